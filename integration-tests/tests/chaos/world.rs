//! A server, its clients, and the tasks between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use integration_tests::{Line, Proxy, Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::{Client, ClientBuilder, Map, MapSettings};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::account;
use crate::fault::{HASH, Log, Sleeper, USER, strike_client, strike_server, strike_way};
use crate::follower::{Content, content, fold, look, sample};
use crate::ledger::Sight;
use crate::report;
use crate::visitor;
use crate::writer::{self, Desk};

const CLIENTS: usize = 4;

/// Bytes a second of a line that several ways may share.
const SHARED: u64 = 20_000;

const WRITERS: usize = 2;

const TELL: Duration = Duration::from_secs(60);

const PASSWORD: &str = "secret";

/// Memory that a run may leave behind in allocators and caches.
const MEMORY_KIB: u64 = 384 << 10;

pub(crate) struct World {
    server: Arc<Server>,
    proxies: Vec<Arc<Proxy>>,
    maps: Vec<Map>,
    /// The runtime of the last client.
    sleeper: Arc<Sleeper>,
    followers: Vec<JoinHandle<Content>>,
    desk: Arc<Desk>,
    log: Arc<Log>,
    random: Rng,
    started: Instant,
    tasks: usize,
    memory: Option<u64>,
}

fn start() -> Server {
    let user = format!("user {USER} on >{PASSWORD} ~* &* +@all\n");
    Server::builder().persistent().aclfile(user).arg("--busy-reply-threshold").arg("20").start()
}

/// Number of tasks of this runtime.
fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

pub(crate) fn settings() -> MapSettings {
    MapSettings::default()
        .probe_interval(Duration::from_millis(300))
        .request_timeout(Duration::from_millis(700))
        .resync_interval(Duration::from_millis(50), Duration::from_secs(1))
        .sync_timeout(Duration::from_secs(60))
}

/// A client with short timeouts.
pub(crate) fn client() -> ClientBuilder {
    Client::builder()
        .maps(settings())
        .connect_timeout(Duration::from_secs(2))
        .command_timeout(Duration::from_secs(1))
}

/// The URL of a client.
pub(crate) fn url(proxy: &Proxy) -> String {
    proxy.url_for_user(USER, PASSWORD)
}

async fn join(proxy: &Proxy, number: usize, sleeper: &Sleeper) -> Map {
    // One client reads in pages and compares replaced content in parts, and another only compares in parts.
    let settings = match number {
        0 => settings().small_map(0, 0).page_fields(4).compared(1),
        1 => settings().compared(1),
        _ => settings(),
    };
    if number < CLIENTS - 1 {
        let client = must_end(client().connect(url(proxy))).await.unwrap();
        return must_end(client.map("chaos").settings(settings).join()).await.unwrap();
    }
    let connecting = client().clock(sleeper.clock.clone()).connect(url(proxy));
    let client = must_end(sleeper.runtime.spawn(connecting)).await.unwrap().unwrap();
    must_end(client.map("chaos").settings(settings).join()).await.unwrap()
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let server = Arc::new(start());
        let mut proxies = Vec::new();
        // One more way for visitors.
        for _ in 0..=CLIENTS {
            proxies.push(Arc::new(Proxy::new(&server).await));
        }
        let (memory, tasks) = (report::resident(), tasks());
        let sleeper = Arc::new(Sleeper::new());
        let (mut maps, mut followers) = (Vec::new(), Vec::new());
        for (number, proxy) in proxies.iter().take(CLIENTS).enumerate() {
            let map = join(proxy, number, &sleeper).await;
            let (view, changes) = must_end(map.view_and_changes()).await;
            followers.push(tokio::spawn(fold(view, changes)));
            followers.push(tokio::spawn(look(map.clone(), map.subscribe())));
            maps.push(map);
        }
        Self {
            server,
            proxies,
            maps,
            sleeper,
            followers,
            desk: Arc::default(),
            log: Arc::default(),
            random: Rng::with_seed(seed),
            started: Instant::now(),
            tasks,
            memory,
        }
    }

    /// Plays writes and faults for this time, and waits until all waits have ended.
    pub(crate) async fn play(&mut self, time: Duration) {
        let mut writers = Vec::new();
        for map in &self.maps {
            writers.push(tokio::spawn(sample(map.clone(), Arc::clone(&self.desk))));
            for _ in 0..WRITERS {
                writers.push(tokio::spawn(writer::run(
                    map.clone(),
                    Arc::clone(&self.desk),
                    self.random.u64(..),
                )));
            }
        }
        let visited = Arc::clone(&self.proxies[CLIENTS]);
        writers.push(tokio::spawn(visitor::run(visited, Arc::clone(&self.desk), self.random.fork())));
        let faults = self.strike(self.started + time);
        let over = tokio::task::spawn_blocking(|| faults.into_iter().for_each(|fault| fault.join().unwrap()));
        tokio::select! {
            over = over => over.unwrap(),
            () = self.tell() => {}
        }
        self.desk.done.store(true, Ordering::Relaxed);
        for writer in writers {
            must_end(writer).await.unwrap();
        }
    }

    /// Prints a line a minute, for observers of a long run.
    async fn tell(&self) {
        loop {
            tokio::time::sleep(TELL).await;
            let faults: u64 = self.log.counts().values().sum();
            let writes: u64 = self.desk.ledger.counts().values().sum();
            let (seconds, memory) =
                (self.started.elapsed().as_secs(), report::resident().unwrap_or_default());
            println!("{seconds} s: {faults} faults, {writes} writes, {memory} KiB resident");
        }
    }

    /// Starts the faults, on threads, because faults block.
    fn strike(&mut self, end: Instant) -> Vec<thread::JoinHandle<()>> {
        let mut faults = Vec::new();
        let mut begin = |mut random: Rng, longest: u64, mut strike: Box<dyn FnMut(&mut Rng) + Send>| {
            faults.push(thread::spawn(move || {
                while Instant::now() < end {
                    thread::sleep(Duration::from_millis(random.u64(..longest)));
                    strike(&mut random);
                }
            }));
        };
        let shared = Line::new(SHARED);
        for proxy in &self.proxies {
            let (proxy, shared, log) = (Arc::clone(proxy), shared.clone(), Arc::clone(&self.log));
            let strike = move |random: &mut Rng| strike_way(&proxy, &shared, &log, random);
            begin(self.random.fork(), 4000, Box::new(strike));
        }
        let (sleeper, log) = (Arc::clone(&self.sleeper), Arc::clone(&self.log));
        let map = self.maps[CLIENTS - 1].clone();
        let stop = Box::new(move |random: &mut Rng| strike_client(&sleeper, &map, &log, random));
        begin(self.random.fork(), 8000, stop);
        let (server, log) = (Arc::clone(&self.server), Arc::clone(&self.log));
        begin(self.random.fork(), 2000, Box::new(move |random| strike_server(&server, &log, random)));
        faults
    }

    /// Ends the faults. Everything must become right by itself, and nothing may be left.
    pub(crate) async fn end(mut self) {
        self.all_live().await;
        writer::last(&self.maps[0], &self.desk).await;
        self.all_live().await;
        let (revision, stored) = self.stored();
        let now = Instant::now();
        self.desk.ledger.see(writer::keys().map(|key| {
            let state = stored.get(key).cloned();
            Sight { at: now, proven: now, revision, key, state }
        }));
        for (number, map) in self.maps.iter().enumerate() {
            assert_eq!(content(&map.view()), stored, "replica {number}, {}", map.status());
        }
        let resyncs = self.maps.iter().map(|map| map.status().resyncs()).sum();
        for map in &self.maps {
            must_end(map.close()).await;
        }
        for follower in self.followers.drain(..) {
            assert_eq!(must_end(follower).await.unwrap(), stored, "what a follower was told");
        }
        self.maps.clear();
        let mut raw = self.server.connection();
        eventually_async("no connection is left", || {
            let list: String = cmd("CLIENT").arg("LIST").query(&mut raw).unwrap();
            list.lines().count() == 1
        })
        .await;
        let asleep = self.sleeper.runtime.metrics();
        eventually_async("no task is left", || tasks() == self.tasks && asleep.num_alive_tasks() == 0).await;
        self.settle(resyncs);
        let sleeper = Arc::into_inner(self.sleeper).expect("the faults are over");
        sleeper.runtime.shutdown_background();
    }

    async fn all_live(&self) {
        for map in &self.maps {
            must_end(map.sync()).await.unwrap_or_else(|error| panic!("{error}: {}", map.status()));
            eventually_async("the map is live", || map.status().is_live()).await;
        }
    }

    /// Reads the hash over a separate connection.
    fn stored(&self) -> (u64, Content) {
        let fields: BTreeMap<String, String> =
            cmd("HGETALL").arg(HASH).query(&mut self.server.connection()).unwrap();
        let revision = fields["=rev"].parse().unwrap();
        let content = fields.into_iter().filter(|(field, _)| !field.contains('='));
        (revision, content.map(|(key, value)| (key, value.into())).collect())
    }

    fn settle(&self, resyncs: u64) {
        let played = self.started.elapsed();
        let (mut entries, sights) = self.desk.ledger.take();
        entries.extend(self.log.entries());
        let losses = self.log.losses();
        let account = account::check(&entries, &sights, &losses);
        report::print("faults", self.log.counts());
        report::print("writes", self.desk.ledger.counts());
        report::print(
            "and",
            [
                ("committed, server lost them", account.lost as u64),
                ("unknown, carried out", account.surfaced as u64),
                ("states seen and explained", account.sights as u64),
                ("resyncs", resyncs),
                ("waits", self.desk.waits.load(Ordering::Relaxed)),
                ("histories lost to waits", self.desk.histories_lost.load(Ordering::Relaxed)),
                ("visits", self.desk.visits.load(Ordering::Relaxed)),
                ("visits refused", self.desk.visits_refused.load(Ordering::Relaxed)),
                ("seconds", played.as_secs()),
            ],
        );
        let errors = account.errors.len();
        if errors > 0 {
            for fault in self.log.faults() {
                let since = |at: Instant| at.duration_since(self.started);
                println!("  {:?} to {:?}: {}", since(fault.began), since(fault.ended), fault.name);
            }
            println!("losses: {losses:#?}\nbegan: {:?}", self.started);
            panic!("{errors} contradictions, first:\n{}", account.errors[..errors.min(10)].join("\n"));
        }
        drop((entries, sights, account));
        if let (Some(before), Some(after)) = (self.memory, report::resident()) {
            println!("resident memory: {before} KiB before, {after} KiB after");
            assert!(after < before + MEMORY_KIB, "memory grew from {before} to {after} KiB");
        }
    }
}
