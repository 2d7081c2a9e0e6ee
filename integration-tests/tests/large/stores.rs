//! Restarts with a store: without reading the map again, after failovers, and after kills at any moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Map, MapSettings, Restored, Store, Unproven};

use crate::join::fill;
use crate::monitor::Monitor;

const HASH: &str = "map:large:content";

/// A map of three entries is large.
fn settings() -> MapSettings {
    MapSettings::default().small_map(2, 1 << 20)
}

async fn join(server: &Server, path: &Path) -> Map {
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    let store = Store::at(path).interval(Duration::from_millis(100));
    must_end(client.map("large").settings(settings()).store(store).join()).await.unwrap()
}

fn run(raw: &mut Connection, words: &[&str]) {
    let mut command = cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(word);
    });
    command.exec(raw).unwrap();
}

fn hash(raw: &mut Connection) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = cmd("HGETALL").arg(HASH).query(raw).unwrap();
    fields.retain(|field, _| !field.contains('='));
    fields
}

fn content(map: &Map) -> BTreeMap<String, String> {
    let text = |value: &rmap_client::Value| value.as_str().unwrap().to_owned();
    map.view().iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), text(value))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_a_store_does_not_read_the_map_again() {
    let entries = 100_000;
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("large.store");
    let mut raw = server.connection();
    fill(&mut raw, entries);
    run(&mut raw, &["HSET", HASH, "=rev", "1790000000000"]);
    let begin = Instant::now();
    let map = join(&server, &path).await;
    let without = begin.elapsed();
    must_end(map.close()).await;
    drop(map);

    let monitor = Monitor::start(&server);
    eventually_async("it listens", || {
        run(&mut raw, &["PING"]);
        !monitor.times("PING").is_empty()
    })
    .await;
    let begin = Instant::now();
    let map = join(&server, &path).await;
    let with = begin.elapsed();
    let read = monitor.times("HGETALL").len() + monitor.times("HSCAN").len();
    assert_eq!((map.len() as u64, map.status().restored()), (entries, &Restored::Taken));
    // The verification in the background may have begun.
    assert!(read <= 3, "{read} reads");
    println!("{entries} entries: joined in {without:?} without a store, in {with:?} with one");
    must_end(map.close()).await;
}

/// A promoted replica continues the master's history under an id of its own.
#[tokio::test]
async fn a_replica_that_took_over_proves_what_the_master_proved() {
    let start = || Server::builder().arg("--repl-diskless-sync-delay").arg("0").start();
    let (old, new, folder) = (start(), start(), tempfile::tempdir().unwrap());
    let (mut at_old, mut at_new) = (old.connection(), new.connection());
    run(&mut at_new, &["REPLICAOF", "127.0.0.1", &old.port().to_string()]);
    let path = folder.path().join("large.store");
    let follows = |raw: &mut Connection, map: &Map| {
        let revision: Option<u64> = cmd("HGET").arg(HASH).arg("=rev").query(raw).unwrap();
        revision == map.revision().map(rmap_client::Revision::get)
    };
    let map = join(&old, &path).await;
    for key in ["a", "b", "c"] {
        must_end(map.set(key, "1").visible()).await.unwrap();
    }
    // The revision of a life lies behind the server's clock a moment after it began.
    eventually_async("the clock is ahead", || {
        let (seconds, _): (u64, u64) = cmd("TIME").query(&mut at_old).unwrap();
        seconds * 1000 > map.revision().unwrap().get()
    })
    .await;
    must_end(map.sync()).await.unwrap();
    eventually_async("the replica has it", || follows(&mut at_new, &map)).await;
    must_end(map.close()).await;

    run(&mut at_new, &["REPLICAOF", "NO", "ONE"]);
    let map = join(&new, &path).await;
    assert_eq!(map.status().restored(), &Restored::Taken);
    assert_eq!(content(&map), hash(&mut at_new));
    // A store that was written at the new master is none of the old one.
    must_end(map.set("a", "2").visible()).await.unwrap();
    must_end(map.sync()).await.unwrap();
    must_end(map.close()).await;
    run(&mut at_old, &["HSET", HASH, "=rev", &map.revision().unwrap().get().to_string()]);
    let map = join(&old, &path).await;
    assert_eq!(map.status().restored(), &Restored::Replaced(Unproven::AnotherServer));
    assert_eq!(content(&map), hash(&mut at_old));
}

/// A server that comes back from an older copy has another id, and lacks what the store has.
#[tokio::test]
async fn a_server_that_came_back_is_read_again_unless_it_continues_the_history() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("large.store");
    let map = join(&server, &path).await;
    for key in ["a", "b", "c"] {
        must_end(map.set(key, "1").visible()).await.unwrap();
    }
    run(&mut server.connection(), &["SAVE"]);
    must_end(map.set("a", "2").visible()).await.unwrap();
    must_end(map.sync()).await.unwrap();
    must_end(map.close()).await;
    server.kill();
    server.restart();
    let map = join(&server, &path).await;
    assert!(matches!(map.status().restored(), Restored::Replaced(_)), "{}", map.status());
    assert_eq!(content(&map), hash(&mut server.connection()));
}

const CHILD: &str = "RMAP_STORE_CHILD";

/// Not a test of its own: the process that the test below kills. It changes its map without end.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Ok(place) = std::env::var(CHILD) else { return };
    let (url, path) = place.split_once(' ').unwrap();
    let client = must_end(Client::connect(url)).await.unwrap();
    let store = Store::at(path).interval(Duration::from_millis(100));
    let map = must_end(client.map("large").settings(settings()).store(store).join()).await.unwrap();
    let mut rng = fastrand::Rng::new();
    println!("joined");
    loop {
        for _ in 0..rng.u8(1..100) {
            let _ = map.set(format!("k{}", rng.u8(0..20)), rng.u32(..).to_string()).await;
        }
        let _ = map.sync().await;
        tokio::time::sleep(Duration::from_millis(rng.u64(0..600))).await;
    }
}

/// Kills processes at random, and what they stored is taken only where it is the server's content.
///
/// `RMAP_STORE_SECONDS` says how long; otherwise it takes a few rounds.
#[tokio::test]
async fn a_store_of_a_killed_process_is_never_taken_wrongly() {
    let server = Server::builder().arg("--enable-debug-command").arg("yes").start();
    let folder = tempfile::tempdir().unwrap();
    let (path, mut raw) = (folder.path().join("large.store"), server.connection());
    let seconds: u64 = std::env::var("RMAP_STORE_SECONDS").map_or(0, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let seed: u64 =
        std::env::var("RMAP_STORE_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("RMAP_STORE_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut rounds, mut taken) = (0, 0);
    while rounds < 6 || Instant::now() < end {
        rounds += 1;
        live_and_die(&server, &path, &mut rng);
        let fault = rng.u8(0..8);
        match fault {
            0 => run(&mut raw, &["HSET", HASH, "k0", "past the map"]),
            1 => run(&mut raw, &["DEL", HASH]),
            // The server continues its history under an id of its own.
            2 => run(&mut raw, &["DEBUG", "CHANGE-REPL-ID"]),
            _ => {}
        }
        let map = join(&server, &path).await;
        let status = map.status();
        if status.restored() == &Restored::Taken {
            taken += 1;
            // No probe finds a field that was overwritten past the map. The verification does.
            if fault == 0 {
                must_end(map.verify()).await.unwrap();
            }
        }
        assert_eq!(content(&map), hash(&mut raw), "seed {seed}, round {rounds}: {status}");
        must_end(map.close()).await;
    }
    println!("{rounds} processes killed, {taken} of their stores taken");
}

/// Starts a process and kills it at a random moment after it has joined.
fn live_and_die(server: &Server, path: &Path, rng: &mut fastrand::Rng) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stores::the_process_that_is_killed", "--nocapture"])
        .env(CHILD, format!("{} {}", server.url(), path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("joined") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut out, &mut line).unwrap() > 0, "the process ended by itself");
    }
    std::thread::sleep(Duration::from_millis(rng.u64(0..1500)));
    child.kill().unwrap();
    child.wait().unwrap();
}
