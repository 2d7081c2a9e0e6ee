//! The status of a replica.

use std::fmt;
use std::time::Duration;

use rmap_proto::{DecodeError, Revision};

use crate::output::Failure;
use crate::proof::Unproven;
use crate::resyncs::Resyncs;
use crate::shown::Shown;

/// The status of a replica: what it does, why, and how fresh its content is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read by destructuring; a new field is a new fact for readers")]
pub struct ReplicaStatus {
    /// The current activity.
    pub phase: Phase,
    /// The time at which the phase began, since the driver's epoch.
    pub since: Duration,
    /// The cause of the phase.
    pub reason: Reason,
    /// The revision of the local content, or `None` when the server has no hash for the map.
    pub revision: Option<Revision>,
    /// The latest time, since the driver's epoch, at which the content is known to have been the server's.
    ///
    /// `None` if the content was never proven, or if a notification that may be forged replaced the whole content and no
    /// verification has confirmed it yet.
    pub fresh_at: Option<Duration>,
    /// False if the user lacks the right to run INFO. The replica then cannot detect a failover that keeps the
    /// subscriber connected.
    pub failover_detection: bool,
    /// Progress of the scan of a large map. `None` while there is no scan.
    pub scan: Option<ScanProgress>,
    /// Time of a request whose answer is late while the connections still show life: a slow line, or a busy server.
    pub late_since: Option<Duration>,
    /// Number of resyncs while connected.
    pub resyncs: u64,
    /// The same number, by cause.
    pub resyncs_by_reason: Resyncs,
    /// The cause of the last resync.
    pub last_resync: Option<Reason>,
    /// True while a verification must still confirm the content. That is the case after a reconnect that skipped the
    /// snapshot, and after a notification that replaced the whole content at or below a revision seen before.
    pub in_doubt: bool,
    /// Number of entries so far that differed from the server's at the same revision and were corrected.
    pub differed: u64,
    /// Time from the request of the last probe of this pair of connections to its reply. `None` before the first one.
    pub round_trip: Option<Duration>,
    /// Outcome of the [stored](crate::Replica::restore) content.
    pub restored: Restored,
}

impl ReplicaStatus {
    /// True while a [stored](crate::Replica::restore) content is shown, and no server has confirmed or replaced it.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(self.restored, Restored::Shown)
    }
}

/// Outcome of a stored content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restored {
    /// None was restored.
    Never,
    /// It is shown, and no server has confirmed or replaced it yet.
    Shown,
    /// A probe proved it.
    Taken,
    /// The server's content replaced it.
    Replaced(Unproven),
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("nothing was stored"),
            Self::Shown => f.write_str("the stored content is shown"),
            Self::Taken => f.write_str("a probe proved the stored content"),
            Self::Replaced(why) => write!(f, "the stored content was replaced: {why}"),
        }
    }
}

/// The activity of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The replica has no content yet, or none that was proven.
    Joining,
    /// The replica follows the notifications without a gap.
    Live,
    /// The replica serves the last consistent content and fetches a new one.
    Resyncing,
    /// The replica serves the last consistent content and has no connection.
    Disconnected,
    /// The server has no hash for the map any more, and the replica serves the last content on, as
    /// [`WhenLost::Keep`](crate::WhenLost::Keep) asks for.
    Kept,
    /// The replica is closed and keeps serving its last content.
    Closed,
}

impl Phase {
    /// All phases, in the order of their declaration.
    pub const ALL: &'static [Self] =
        &[Self::Joining, Self::Live, Self::Resyncing, Self::Disconnected, Self::Kept, Self::Closed];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Joining => "joining",
            Self::Live => "live",
            Self::Resyncing => "resyncing",
            Self::Disconnected => "disconnected",
            Self::Kept => "kept",
            Self::Closed => "closed",
        })
    }
}

/// Progress of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "progress is these two numbers")]
pub struct ScanProgress {
    /// Number of fields read so far.
    pub read: u64,
    /// Number of fields of the hash when the scan began.
    pub total: u64,
}

/// The cause of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The replica was just created.
    Started,
    /// The replica has a connection and requests the content.
    Connected,
    /// Content and notifications are in step.
    InStep,
    /// The connection was lost. The text says why.
    Disconnected(String),
    /// The server refused or did not answer.
    Failed(Failure),
    /// A notification did not follow the local revision.
    Gap {
        /// The local revision.
        local: Option<Revision>,
        /// The revision of the notification.
        found: Revision,
    },
    /// A notification could not be read.
    Undecodable(DecodeError),
    /// Notifications were dropped on the way.
    Lagged,
    /// Notifications of an atomic batch are missing.
    BrokenBatch,
    /// More notifications arrived than the replica may hold.
    TooMuchHeld,
    /// The server's revision or field count differs from the local one. The cause is a silent loss, an expiry, or a
    /// direct write to the hash.
    Mismatch {
        /// The local revision.
        local: Option<Revision>,
        /// The server's revision.
        server: Option<Revision>,
    },
    /// A verification found more differences than it corrects itself.
    Differs,
    /// A mark or a reply was late and counts as lost.
    NoAnswer,
    /// The server has no hash for the map, and the content is kept.
    Lost,
    /// The server's replication id changed: a failover or a restart.
    Failover,
    /// The replica was closed.
    Closed,
}

impl Reason {
    /// Adds a resync with this cause.
    pub(crate) const fn count(&self, resyncs: &mut Resyncs) {
        let count = match self {
            Self::Gap { .. } => &mut resyncs.gap,
            Self::Undecodable(_) => &mut resyncs.undecodable,
            Self::Lagged => &mut resyncs.lagged,
            Self::BrokenBatch => &mut resyncs.broken_batch,
            Self::TooMuchHeld => &mut resyncs.too_much_held,
            Self::Mismatch { .. } => &mut resyncs.mismatch,
            Self::Lost => &mut resyncs.lost,
            Self::Differs => &mut resyncs.differs,
            Self::NoAnswer => &mut resyncs.no_answer,
            Self::Failed(_) => &mut resyncs.failed,
            Self::Started
            | Self::Connected
            | Self::InStep
            | Self::Disconnected(_)
            | Self::Failover
            | Self::Closed => &mut resyncs.other,
        };
        *count += 1;
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("it was just made"),
            Self::Connected => f.write_str("connected, reading the content"),
            Self::InStep => f.write_str("in step"),
            Self::Disconnected(why) => f.write_str(why),
            Self::Failed(failure) => failure.fmt(f),
            Self::Gap { local, found } => {
                write!(f, "a notification is missing: revision {found} came after {}", Shown(*local))
            }
            Self::Undecodable(error) => error.fmt(f),
            Self::Lagged => {
                f.write_str("messages were dropped because they came faster than they were taken")
            }
            Self::BrokenBatch => f.write_str("the rest of an atomic batch did not come"),
            Self::TooMuchHeld => {
                f.write_str("more notifications came than may be held while the content is read")
            }
            Self::Mismatch { local, server } if local == server => {
                write!(f, "the number of fields differs from the server's at revision {}", Shown(*local))
            }
            Self::Mismatch { local, server } => {
                write!(f, "the server is at revision {}, the map at {}", Shown(*server), Shown(*local))
            }
            Self::Lost => f.write_str(
                "the server has no hash for the map, and the last content is kept until a write makes one",
            ),
            Self::NoAnswer => f.write_str("the server did not answer in time"),
            Self::Failover => {
                f.write_str("the server's replication id changed: it was restarted or replaced by another")
            }
            Self::Differs => f.write_str("the content differs from the server's at the same revision"),
            Self::Closed => f.write_str("the map was closed"),
        }
    }
}

/// Serializes each type as the text of its `Display` form.
#[cfg(feature = "serde")]
mod serialize {
    use serde::ser::{Serialize, SerializeStruct, Serializer};

    use super::{Phase, Reason, Restored, ScanProgress};

    impl Serialize for Phase {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl Serialize for Reason {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl Serialize for Restored {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl Serialize for ScanProgress {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut progress = serializer.serialize_struct("ScanProgress", 2)?;
            progress.serialize_field("read", &self.read)?;
            progress.serialize_field("total", &self.total)?;
            progress.end()
        }
    }
}
