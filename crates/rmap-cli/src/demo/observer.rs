//! Watches one replica: what changed, and how long after it was written elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rmap_client::{Map, Status, Value};

/// Everything that was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) changes: u64,
    /// Microseconds from the call that wrote a value until another replica showed it, while that replica was live.
    pub(super) propagation: Histogram<u64>,
    /// Microseconds from a cut until the replica was live again.
    pub(super) repair: Histogram<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        let histogram = || Histogram::new(3).expect("three digits are allowed");
        Self { changes: 0, propagation: histogram(), repair: histogram() }
    }
}

impl Seen {
    pub(super) fn add(mut self, other: Self) -> Self {
        self.changes += other.changes;
        self.propagation += other.propagation;
        self.repair += other.repair;
        self
    }
}

/// Time of the last cut, in nanoseconds since the epoch of the demo; 0: not yet.
#[derive(Debug, Clone, Default)]
pub(super) struct LastCut(Arc<AtomicU64>);

impl LastCut {
    pub(super) fn set(&self, at: Duration) {
        self.0.store(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        Some(self.0.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0).map(Duration::from_nanos)
    }
}

/// One replica, as its observer knows it.
struct Observer {
    replica: usize,
    epoch: Instant,
    last_cut: LastCut,
    /// Since when the replica has been live; `None` while it is not.
    live_since: Option<Duration>,
    /// The cut that was repaired last.
    repaired: Option<Duration>,
    seen: Seen,
}

impl Observer {
    fn on_status(&mut self, status: &Status) {
        let since = self.epoch.elapsed().saturating_sub(status.phase_age());
        self.live_since = status.is_live().then_some(since);
        let cut = self.last_cut.get();
        if let (Some(since), Some(cut)) = (self.live_since, cut)
            && since > cut
            && self.repaired != Some(cut)
        {
            self.repaired = Some(cut);
            self.seen.repair += micros(since.saturating_sub(cut));
        }
    }

    fn on_change(&mut self, new: Option<&Value>) {
        self.seen.changes += 1;
        // What was written before the replica was live again says how long the repair took, not the way of a write.
        if let Some(written) = new.and_then(|value| written_elsewhere(value, self.replica))
            && self.live_since.is_some_and(|since| since <= written)
        {
            self.seen.propagation += micros(self.epoch.elapsed().saturating_sub(written));
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Watches from now on until the map closes.
pub(super) fn observe(
    map: &Map,
    replica: usize,
    epoch: Instant,
    last_cut: LastCut,
) -> impl Future<Output = Seen> + use<> {
    let mut changes = map.changes();
    let mut statuses = map.status_changes();
    async move {
        let mut observer =
            Observer { replica, epoch, last_cut, live_since: None, repaired: None, seen: Seen::default() };
        loop {
            tokio::select! {
                // The status first: it says whether the changes that wait came after an outage.
                biased;
                Some(status) = statuses.next() => observer.on_status(&status),
                change = changes.next() => match change {
                    Some(change) => observer.on_change(change.new.as_ref()),
                    None => return observer.seen,
                },
            }
        }
    }
}

/// Time at which another replica wrote the value, if one did.
fn written_elsewhere(value: &Value, replica: usize) -> Option<Duration> {
    let (writer, nanos) = value.as_str().ok()?.split_once(' ')?;
    let elsewhere = writer.parse() != Ok(replica);
    nanos.parse().ok().filter(|_| elsewhere).map(Duration::from_nanos)
}
