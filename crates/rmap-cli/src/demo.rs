//! `demo`: replicas of one map follow each other while their connections are killed.

mod authority;
mod observer;
mod progress;
mod reader;
mod report;
mod server;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rmap_client::{Map, Revision};
use tokio::task::JoinSet;

use self::authority::{Authority, MAP};
use self::observer::{LastCut, Seen};
use self::progress::Progress;
use self::reader::Reader;
use self::report::Report;
use self::writer::{Tally, Writer};
use crate::args::Demo;
use crate::command_error::CommandError;
use crate::output;

/// Time between two kills of the subscriber connections.
const FAULTS: u32 = 4;

pub(crate) async fn run(args: Demo) -> Result<(), CommandError> {
    // However it ends, the private server ends with it.
    tokio::select! {
        // First, since starting the server holds the thread up: signals must have a handler by then.
        biased;
        asked = asked_to_end() => {
            asked?;
            Err(CommandError::NotDone("interrupted".to_owned()))
        }
        done = play(args) => done,
    }
}

#[cfg(unix)]
async fn asked_to_end() -> io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn play(args: Demo) -> Result<(), CommandError> {
    output::notice("rmap: starting a private server");
    let authority = Authority::start()?;
    output::notice(&format!("rmap: {} replicas join a map on {}", args.replicas, authority.name()));
    let mut maps = Vec::new();
    for _ in 0..args.replicas {
        maps.push(authority.client().await?.map(MAP).join().await?);
    }
    let report = Play::begin(authority, maps, args.seconds).await?.run().await?;
    report.print()?;
    report.outcome()
}

/// The demo while it goes.
struct Play {
    authority: Authority,
    maps: Vec<Map>,
    seconds: Duration,
    /// The revision before the first write.
    start: Revision,
    epoch: Instant,
    last_cut: LastCut,
    stop: Arc<AtomicBool>,
    writers: JoinSet<Tally>,
    observers: JoinSet<Seen>,
    reader: Reader,
    progress: Progress,
}

impl Play {
    async fn begin(authority: Authority, maps: Vec<Map>, seconds: Duration) -> Result<Self, CommandError> {
        let start = maps[0].reset().await?.revision;
        let epoch = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let last_cut = LastCut::default();
        let mut observers = JoinSet::new();
        for (replica, map) in maps.iter().enumerate() {
            observers.spawn(observer::observe(map, replica, epoch, last_cut.clone()));
        }
        let progress = Progress::new(seconds);
        let mut writers = JoinSet::new();
        for (replica, map) in maps.iter().enumerate().take(writing(maps.len())) {
            for _ in 0..writer::TASKS {
                let writer = Writer::new(map.clone(), replica, epoch, Arc::clone(&stop), progress.counter());
                writers.spawn(writer.run());
            }
        }
        let reader = Reader::start(maps[maps.len() - 1].clone(), Arc::clone(&stop));
        Ok(Self {
            authority,
            maps,
            seconds,
            start,
            epoch,
            last_cut,
            stop,
            writers,
            observers,
            reader,
            progress,
        })
    }

    async fn run(mut self) -> Result<Report, CommandError> {
        let server = self.authority.name();
        self.progress.say(&format!(
            "{} of {} replicas write for {:.0?}, and {FAULTS} times all of them are cut off",
            writing(self.maps.len()),
            self.maps.len(),
            self.seconds
        ));
        let killed = self.inject_faults().await?;
        self.stop.store(true, Ordering::Relaxed);
        let writes =
            std::mem::take(&mut self.writers).join_all().await.into_iter().fold(Tally::default(), Tally::add);
        let reads = self.reader.finish().await;
        self.progress.finish();
        let unproven = self.sync().await;
        let resyncs = self.maps.iter().map(|map| map.status().resyncs()).sum();
        let content = self.authority.content()?;
        let differing = self.maps.iter().map(|map| content.differences(&map.view())).sum();
        for map in &self.maps {
            map.close().await;
        }
        let seen =
            std::mem::take(&mut self.observers).join_all().await.into_iter().fold(Seen::default(), Seen::add);
        Ok(Report {
            server,
            replicas: self.maps.len(),
            writing: writing(self.maps.len()),
            writes,
            published: content.revision.map_or(0, |end| end.saturating_sub(self.start.get())),
            seen,
            reads_per_second: reads,
            faults: FAULTS,
            killed,
            resyncs,
            keys: content.entries.len(),
            differing,
            unproven,
        })
    }

    /// Spreads the faults over the time; returns how many connections were killed.
    async fn inject_faults(&mut self) -> Result<u64, CommandError> {
        let mut killed = 0;
        let begin = tokio::time::Instant::now();
        let step = self.seconds / (FAULTS + 1);
        for fault in 1..=FAULTS {
            tokio::time::sleep_until(begin + step * fault).await;
            self.last_cut.set(self.epoch.elapsed());
            let connections = self.authority.kill_subscribers()?;
            killed += connections;
            self.progress.say(&format!("cut {connections} subscriber connections"));
        }
        tokio::time::sleep_until(begin + self.seconds).await;
        Ok(killed)
    }

    /// Lets every replica prove that it is current; returns why some could not.
    async fn sync(&self) -> Vec<String> {
        let mut unproven = Vec::new();
        for map in &self.maps {
            if let Err(error) = map.sync().await {
                unproven.push(error.to_string());
            }
        }
        unproven
    }
}

/// Half of the replicas write.
const fn writing(replicas: usize) -> usize {
    replicas.div_ceil(2)
}
