//! The status of a map: phase, revision and staleness.

mod phases;

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rmap_core::{Phase, Reason, Restored, Resyncs, ScanProgress};
use rmap_proto::Revision;

use crate::clock::Timeline;
use crate::feed::{Backlog, FeedStream, StreamId};
use crate::store::StoreStatus;

pub use phases::PhaseChanges;

/// The phase, revision and staleness of a map. Times are measured when they are asked for.
#[derive(Debug, Clone)]
pub struct Status {
    status: rmap_core::ReplicaStatus,
    clock: Timeline,
    rejected: usize,
    store: Option<Arc<StoreStatus>>,
}

impl Status {
    pub(crate) const fn new(
        status: rmap_core::ReplicaStatus,
        clock: Timeline,
        store: Option<Arc<StoreStatus>>,
    ) -> Self {
        Self { status, clock, rejected: 0, store }
    }

    pub(crate) fn with_rejected(self, rejected: usize) -> Self {
        Self { rejected, ..self }
    }

    /// Joining, live, resyncing, disconnected or closed.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.status.phase
    }

    /// True when the map follows its authority without a gap.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.status.phase, Phase::Live)
    }

    /// Time that the map has been in this phase.
    #[must_use]
    pub fn phase_age(&self) -> Duration {
        self.clock.now().saturating_sub(self.status.since)
    }

    /// The reason for this phase.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.status.reason
    }

    /// The revision of the local content; `None` when the server has no hash for the map.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.status.revision
    }

    /// Staleness: time since the last proof that the content was current. `None`: the content was never proven,
    /// because the map has just been made, or because a notification replaced it and it is [in
    /// doubt](Self::is_in_doubt).
    ///
    /// A live map gets such a proof with every probe, every few seconds. Time during which the computer slept counts.
    /// After a sleep this is the time since the last proof from before the sleep, until there is a new one;
    /// [`Map::fresh`](crate::Map::fresh) refuses meanwhile, whatever the staleness.
    #[must_use]
    pub fn staleness(&self) -> Option<Duration> {
        self.status.fresh_at.map(|fresh_at| self.clock.now().saturating_sub(fresh_at))
    }

    /// Time of the last proof, on the clock of the client.
    pub(crate) const fn fresh_at(&self) -> Option<Duration> {
        self.status.fresh_at
    }

    /// False if the user may not run INFO; then the map cannot notice some failovers.
    #[must_use]
    pub const fn failover_detection(&self) -> bool {
        self.status.failover_detection
    }

    /// Progress of the scan of a large map, while one runs.
    #[must_use]
    pub const fn scan(&self) -> Option<ScanProgress> {
        self.status.scan
    }

    /// Time that the map has waited for a late answer, because the connections show life and the answer may still
    /// come on a slow line. `None`: no answer is late.
    #[must_use]
    pub fn late(&self) -> Option<Duration> {
        self.status.late_since.map(|since| self.clock.now().saturating_sub(since))
    }

    /// Number of resyncs while connected.
    #[must_use]
    pub const fn resyncs(&self) -> u64 {
        self.status.resyncs
    }

    /// The same number, by cause.
    #[must_use]
    pub const fn resyncs_by_reason(&self) -> Resyncs {
        self.status.resyncs_by_reason
    }

    /// Time from the request of the last probe to its reply, on the connections that stand now. `None` before the first probe.
    #[must_use]
    pub const fn probe_round_trip(&self) -> Option<Duration> {
        self.status.round_trip
    }

    /// True while revision and number of fields agree with the server's and yet the content may differ.
    ///
    /// After a reconnect that skipped the snapshot of a large map, the doubt lasts until a verification at 1 % of the
    /// server's pace has ended. After a notification that restarted the content at or below an earlier revision, it
    /// lasts for a few round trips.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.status.in_doubt
    }

    /// Number of entries that verifications found to differ from the server's, and repaired, so far.
    #[must_use]
    pub const fn differed(&self) -> u64 {
        self.status.differed
    }

    /// Number of keys whose present value a [typed](crate::TypedMap) handle rejects. An untyped handle has 0.
    #[must_use]
    pub const fn rejected(&self) -> usize {
        self.rejected
    }

    /// Reading and writing of the map's [store](crate::Store); `None` when the map has none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::{Client, Store, StoreFound};
    ///
    /// let flags = Client::in_memory().map("flags").store(Store::in_memory()).join().await?;
    /// let status = flags.status();
    /// assert_eq!(status.store().unwrap().found, StoreFound::Nothing);
    /// assert!(!status.is_stored());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn store(&self) -> Option<&StoreStatus> {
        self.store.as_deref()
    }

    /// True while the map shows the content of its [store](crate::Store) and no server has confirmed or replaced it.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        self.status.is_stored()
    }

    /// Outcome of the stored content that the map showed first.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        &self.status.restored
    }

    /// The reason for the last resync.
    #[must_use]
    pub const fn last_resync(&self) -> Option<&Reason> {
        self.status.last_resync.as_ref()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {:.1?} ({})", self.phase(), self.phase_age(), self.reason())?;
        match self.revision() {
            Some(revision) => write!(f, ", revision {revision}")?,
            None => f.write_str(", no hash")?,
        }
        match self.staleness() {
            Some(staleness) => write!(f, ", proven fresh {staleness:.1?} ago")?,
            None => f.write_str(", never proven fresh")?,
        }
        if self.is_stored() {
            f.write_str(", from the store")?;
        }
        if self.is_in_doubt() {
            f.write_str(", to be verified")?;
        }
        if let Some(scan) = self.scan() {
            write!(f, ", scanned {} of {} fields", scan.read, scan.total)?;
        }
        if let Some(late) = self.late() {
            write!(f, ", waiting for an answer for {late:.1?}")?;
        }
        if self.rejected > 0 {
            write!(f, ", {} values rejected", self.rejected)?;
        }
        if let Some(fault) = self.store.as_ref().and_then(|store| store.fault.as_ref()) {
            write!(f, ", not stored: {fault}")?;
        }
        Ok(())
    }
}

/// Serializes every field: phases and reasons as they are displayed, times in seconds.
#[cfg(feature = "serde")]
impl serde::Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut object = serializer.serialize_struct("Status", 15)?;
        object.serialize_field("phase", &self.phase())?;
        object.serialize_field("phase_age_seconds", &self.phase_age().as_secs_f64())?;
        object.serialize_field("reason", self.reason())?;
        object.serialize_field("revision", &self.revision())?;
        object.serialize_field("staleness_seconds", &self.staleness().map(|time| time.as_secs_f64()))?;
        object.serialize_field("failover_detection", &self.failover_detection())?;
        object.serialize_field("scan", &self.scan())?;
        object.serialize_field("late_seconds", &self.late().map(|time| time.as_secs_f64()))?;
        object.serialize_field("resyncs", &self.resyncs())?;
        object.serialize_field("last_resync", &self.last_resync())?;
        object.serialize_field("in_doubt", &self.is_in_doubt())?;
        object.serialize_field("differed", &self.differed())?;
        object.serialize_field("rejected", &self.rejected)?;
        object.serialize_field("restored", &self.restored())?;
        object.serialize_field("store", &self.store())?;
        object.end()
    }
}

/// Stream of a map's status, from [`Map::status_changes`](crate::Map::status_changes) and
/// [`TypedMap::status_changes`](crate::TypedMap::status_changes).
///
/// The stream begins with the current status. Only the latest status waits to be read. The stream ends when the map
/// closes, after the status that says so.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let mut statuses = map.status_changes();
/// assert!(statuses.next().await.unwrap().is_live());
/// map.close().await;
/// while let Some(status) = statuses.next().await {
///     println!("{status}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StatusChanges(pub(crate) FeedStream<Latest>);

impl StatusChanges {
    /// Waits for the next status; `None` once the map is closed and its last status was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no status, except those that a newer one replaces.
    pub async fn next(&mut self) -> Option<Status> {
        self.0.next().await
    }
}

impl Stream for StatusChanges {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Status>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Keeps the latest status for all streams.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    status: Option<Status>,
    number: u64,
    streams: HashMap<StreamId, Seen>,
}

/// The position of one stream of statuses.
#[derive(Debug)]
struct Seen {
    /// The status with which the stream begins, until it is read.
    first: Option<Status>,
    number: u64,
}

impl Latest {
    /// Adds a stream that begins with this status.
    pub(crate) fn begin(&mut self, stream: StreamId, first: Status) {
        self.streams.insert(stream, Seen { first: Some(first), number: self.number });
    }
}

impl Backlog for Latest {
    type In = Status;
    type Out = Status;

    fn put(&mut self, status: Status) {
        self.number += 1;
        self.status = Some(status);
    }

    fn take(&mut self, stream: StreamId) -> Option<Status> {
        let seen = self.streams.get_mut(&stream)?;
        let first = seen.first.take();
        if seen.number == self.number {
            return first;
        }
        seen.number = self.number;
        self.status.clone()
    }

    fn leave(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }
}
