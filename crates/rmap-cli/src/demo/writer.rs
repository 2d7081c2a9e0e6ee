//! Writes to a replica, over and over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmap_client::{Error, Map, Outcome};

/// Tasks that write for each writing replica.
pub(super) const TASKS: usize = 2;

const KEYS: u32 = 1_000;

/// Between two writes of a task, so that the demo shows distance in time rather than a queue.
const PAUSE: Duration = Duration::from_millis(1);

/// After a failed write.
const RECOVERY: Duration = Duration::from_millis(10);

/// Outcomes of writes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
}

impl Tally {
    pub(super) const fn add(self, other: Self) -> Self {
        Self {
            acknowledged: self.acknowledged + other.acknowledged,
            refused: self.refused + other.refused,
            unknown: self.unknown + other.unknown,
        }
    }
}

pub(super) struct Writer {
    map: Map,
    replica: usize,
    epoch: Instant,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Writer {
    pub(super) const fn new(
        map: Map,
        replica: usize,
        epoch: Instant,
        stop: Arc<AtomicBool>,
        written: Arc<AtomicU64>,
    ) -> Self {
        Self { map, replica, epoch, stop, written }
    }

    pub(super) async fn run(self) -> Tally {
        let mut tally = Tally::default();
        while !self.stop.load(Ordering::Relaxed) {
            match self.write().await {
                Ok(()) => {
                    tally.acknowledged += 1;
                    self.written.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    if error.outcome() == Some(Outcome::Indeterminate) {
                        tally.unknown += 1;
                    } else {
                        tally.refused += 1;
                    }
                    tokio::time::sleep(RECOVERY).await;
                }
            }
        }
        tally
    }

    async fn write(&self) -> Result<(), Error> {
        let key = key(fastrand::u32(..KEYS));
        match fastrand::u32(..10) {
            0 => self.map.delete(key).await.map(|_| ()),
            1 => self.map.inc(format!("counter {}", self.replica), 1).await.map(|_| ()),
            _ => {
                // The observers of the other replicas read from it who wrote, and when.
                let value = format!("{} {}", self.replica, self.epoch.elapsed().as_nanos());
                self.map.set(key, value).await.map(|_| ())
            }
        }
    }
}

/// A key by its number.
pub(super) fn key(number: u32) -> String {
    format!("key {}", number % KEYS)
}
