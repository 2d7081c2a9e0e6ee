//! How well a replica follows its map.

use std::fmt;
use std::time::Duration;

use rmap_proto::{DecodeError, Revision};

use crate::output::Failure;
use crate::shown::Shown;

/// How well a replica follows its map, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "read by destructuring; a new field is a new fact for readers")]
pub struct Status {
    /// What the replica is doing.
    pub phase: Phase,
    /// When the phase began, since the driver's epoch.
    pub since: Duration,
    /// Why it is in this phase.
    pub reason: Reason,
    /// The revision of the local content; `None` when the server has no hash for the map.
    pub revision: Option<Revision>,
    /// The content is known to be what the server held at this time or later, since the driver's epoch. `None`: it was never
    /// proven, or a notification replaced it as a whole that may be forged, and it is not verified yet.
    pub fresh_at: Option<Duration>,
    /// False where the user may not run INFO: then a failover that keeps the subscriber connected cannot be found.
    pub failover_detection: bool,
    /// How far a scan of a large map is.
    pub scan: Option<ScanProgress>,
    /// An answer is late, and waited for since then, because the connections show life: a slow line, or a busy server.
    pub late_since: Option<Duration>,
    /// How many times the replica had to synchronise anew while connected.
    pub resyncs: u64,
    /// Why it last had to.
    pub last_resync: Option<Reason>,
    /// True until the content has been read again and compared: after a reconnect that skipped its snapshot, and after a
    /// notification that began the content anew at or below a revision that was there before.
    pub in_doubt: bool,
    /// How many entries differed from the server's at the same revision, and were put right, so far.
    pub differed: u64,
}

/// What a replica is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// It has no content yet, or none that was proven.
    Joining,
    /// It follows the notifications without a gap.
    Live,
    /// It serves the last consistent content and fetches a new one.
    Resyncing,
    /// It serves the last consistent content and has no connection.
    Disconnected,
    /// It is closed and serves its last content for good.
    Closed,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Joining => "joining",
            Self::Live => "live",
            Self::Resyncing => "resyncing",
            Self::Disconnected => "disconnected",
            Self::Closed => "closed",
        })
    }
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "progress is these two numbers")]
pub struct ScanProgress {
    /// Fields read so far.
    pub read: u64,
    /// Fields that the hash had when the scan began.
    pub total: u64,
}

/// Why a replica is in its phase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It was just made.
    Started,
    /// It has a connection and asks for the content.
    Connected,
    /// Content and notifications fit together.
    InStep,
    /// The connection was lost, for the reason given.
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
    /// Messages were dropped on their way.
    Lagged,
    /// An atomic batch was not followed by its rest.
    BrokenBatch,
    /// More notifications came than may be held.
    TooMuchHeld,
    /// The server's revision or number of fields is not the local one: a silent loss, an expiry, or a write past the map.
    Mismatch {
        /// The local revision.
        local: Option<Revision>,
        /// The server's revision.
        server: Option<Revision>,
    },
    /// A verification found more differences than it puts right by itself.
    Differs,
    /// A mark or a reply did not come in time.
    NoAnswer,
    /// The server's replication id changed: a failover or a restart.
    Failover,
    /// It was closed.
    Closed,
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
            Self::NoAnswer => f.write_str("the server did not answer in time"),
            Self::Failover => {
                f.write_str("the server's replication id changed: it was restarted or replaced by another")
            }
            Self::Differs => f.write_str("the content differs from the server's at the same revision"),
            Self::Closed => f.write_str("the map was closed"),
        }
    }
}

/// As they are shown.
#[cfg(feature = "serde")]
mod serialize {
    use serde::ser::{Serialize, SerializeStruct, Serializer};

    use super::{Phase, Reason, ScanProgress};

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

    impl Serialize for ScanProgress {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut progress = serializer.serialize_struct("ScanProgress", 2)?;
            progress.serialize_field("read", &self.read)?;
            progress.serialize_field("total", &self.total)?;
            progress.end()
        }
    }
}
