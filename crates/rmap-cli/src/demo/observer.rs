//! Watches one replica: what changed, and how long after it was written elsewhere.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rmap_client::{Map, Value};

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) changes: u64,
    /// Microseconds from the call that wrote a value until another replica showed it.
    pub(super) propagation: Histogram<u64>,
    /// How often a replica was live again after it had not been.
    pub(super) resyncs: u64,
}

impl Default for Seen {
    fn default() -> Self {
        let propagation = Histogram::new(3).expect("three digits are allowed");
        Self { changes: 0, propagation, resyncs: 0 }
    }
}

impl Seen {
    pub(super) fn add(mut self, other: Self) -> Self {
        self.changes += other.changes;
        self.resyncs += other.resyncs;
        self.propagation += other.propagation;
        self
    }

    fn note(&mut self, new: Option<&Value>, replica: usize, now: Duration) {
        self.changes += 1;
        if let Some(written) = new.and_then(|value| written_elsewhere(value, replica)) {
            let micros = now.saturating_sub(written).as_micros();
            self.propagation += u64::try_from(micros).unwrap_or(u64::MAX);
        }
    }
}

/// Watches from now on until the map closes.
pub(super) fn observe(map: &Map, replica: usize, epoch: Instant) -> impl Future<Output = Seen> + use<> {
    let mut changes = map.changes();
    let mut statuses = map.status_changes();
    async move {
        let mut seen = Seen::default();
        let mut lost = false;
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(change) => seen.note(change.new.as_ref(), replica, epoch.elapsed()),
                    None => return seen,
                },
                Some(status) = statuses.next() => {
                    seen.resyncs += u64::from(lost && status.is_live());
                    lost = !status.is_live();
                }
            }
        }
    }
}

/// When another replica wrote the value, if one did.
fn written_elsewhere(value: &Value, replica: usize) -> Option<Duration> {
    let (writer, nanos) = value.as_str().ok()?.split_once(' ')?;
    let elsewhere = writer.parse() != Ok(replica);
    nanos.parse().ok().filter(|_| elsewhere).map(Duration::from_nanos)
}
