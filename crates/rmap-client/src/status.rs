//! How well a map follows its authority, in times that a user can read.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rmap_core::{Phase, Reason, ScanProgress};
use rmap_proto::Revision;

use crate::clock::Timeline;
use crate::feed::{Backlog, FeedStream, StreamId};

/// How well a map follows its authority. Ages are measured when they are asked for.
#[derive(Debug, Clone)]
pub struct Status {
    status: rmap_core::Status,
    clock: Timeline,
}

impl Status {
    pub(crate) const fn new(status: rmap_core::Status, clock: Timeline) -> Self {
        Self { status, clock }
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

    /// How long the map has been in this phase.
    #[must_use]
    pub fn phase_age(&self) -> Duration {
        self.clock.now().saturating_sub(self.status.since)
    }

    /// Why the map is in this phase.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.status.reason
    }

    /// The revision of the local content; `None` when the server has no hash for the map.
    #[must_use]
    pub const fn revision(&self) -> Option<Revision> {
        self.status.revision
    }

    /// How old the last proof is that the content was what the server held. `None`: the content was never proven, because the
    /// map has just been made, or because a notification began it again and it is [in doubt](Self::is_in_doubt).
    ///
    /// A live map gets such a proof with every probe, every few seconds. The time during which the computer slept counts. After
    /// a sleep this is the age of the last proof from before it, until there is a new one; [`Map::fresh`](crate::Map::fresh)
    /// refuses meanwhile, whatever the age.
    #[must_use]
    pub fn staleness(&self) -> Option<Duration> {
        self.status.fresh_at.map(|fresh_at| self.clock.now().saturating_sub(fresh_at))
    }

    /// False where the user may not run INFO, so that some failovers cannot be noticed.
    #[must_use]
    pub const fn failover_detection(&self) -> bool {
        self.status.failover_detection
    }

    /// How far the scan of a large map is, while there is one.
    #[must_use]
    pub const fn scan(&self) -> Option<ScanProgress> {
        self.status.scan
    }

    /// How long an answer has been waited for that is late, because the connections show life: on a slow line it may still
    /// come. `None`: nothing is late.
    #[must_use]
    pub fn late(&self) -> Option<Duration> {
        self.status.late_since.map(|since| self.clock.now().saturating_sub(since))
    }

    /// How many times the map had to synchronise anew while connected.
    #[must_use]
    pub const fn resyncs(&self) -> u64 {
        self.status.resyncs
    }

    /// True while revision and number of fields agree with the server's and yet the content may differ: it has to be read
    /// again and compared.
    ///
    /// That is so after a reconnect that skipped the snapshot of a large map, until a verification at 1 % of the server's pace
    /// has ended; and for some round trips after a notification that began the content anew at or below a revision that was
    /// there before.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.status.in_doubt
    }

    /// How many entries verifications found to differ from the server's, and put right, so far.
    #[must_use]
    pub const fn differed(&self) -> u64 {
        self.status.differed
    }

    /// Why it last had to.
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
        if self.is_in_doubt() {
            f.write_str(", to be verified")?;
        }
        if let Some(scan) = self.scan() {
            write!(f, ", scanned {} of {} fields", scan.read, scan.total)?;
        }
        if let Some(late) = self.late() {
            write!(f, ", waiting for an answer for {late:.1?}")?;
        }
        Ok(())
    }
}

/// All of it: phases and reasons as they are shown, ages in seconds.
#[cfg(feature = "serde")]
impl serde::Serialize for Status {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut object = serializer.serialize_struct("Status", 12)?;
        object.serialize_field("phase", &self.phase())?;
        object.serialize_field("phase_age_seconds", &self.phase_age().as_secs_f64())?;
        object.serialize_field("reason", self.reason())?;
        object.serialize_field("revision", &self.revision())?;
        object.serialize_field("staleness_seconds", &self.staleness().map(|age| age.as_secs_f64()))?;
        object.serialize_field("failover_detection", &self.failover_detection())?;
        object.serialize_field("scan", &self.scan())?;
        object.serialize_field("late_seconds", &self.late().map(|age| age.as_secs_f64()))?;
        object.serialize_field("resyncs", &self.resyncs())?;
        object.serialize_field("last_resync", &self.last_resync())?;
        object.serialize_field("in_doubt", &self.is_in_doubt())?;
        object.serialize_field("differed", &self.differed())?;
        object.end()
    }
}

/// Stream of a map's status, from [`Map::status_changes`](crate::Map::status_changes).
///
/// It begins with the status of the moment. Only the latest status waits to be read. The stream ends when the map
/// closes, after the status that says so.
#[derive(Debug)]
pub struct StatusChanges(pub(crate) FeedStream<Latest>);

impl StatusChanges {
    /// Waits for the next status; `None` once the map is closed and its last status was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no status but those that a newer one replaces.
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

/// What a stream of statuses has read.
#[derive(Debug)]
struct Seen {
    /// The status with which it begins, until it is read.
    first: Option<Status>,
    number: u64,
}

impl Latest {
    /// A stream that begins with this status.
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
