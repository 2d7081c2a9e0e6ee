//! The reads that synchronise a replica, and their replies.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::sizes::Size;
use crate::{Replication, Revision};

/// A message that the authority publishes on a private channel in the same atomic step as a read.
///
/// The mark shows where in the stream of notifications the read took place. Its payload is `id` in decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// The private channel, from [`MapName::sync_channel`](crate::MapName::sync_channel).
    pub channel: Bytes,
    /// Distinguishes the marks of one subscription.
    pub id: u64,
}

impl Mark {
    /// A mark with this channel and number.
    #[must_use]
    pub const fn new(channel: Bytes, id: u64) -> Self {
        Self { channel, id }
    }
}

impl Mark {
    /// Reads the payload of a mark. `None` when the payload is not canonical decimal and hence no mark of ours.
    #[must_use]
    pub fn parse_id(payload: &[u8]) -> Option<u64> {
        // `str::parse` would also accept `+7` and `007`.
        if payload.starts_with(b"+") || payload.starts_with(b"0") && payload != b"0" {
            return None;
        }
        std::str::from_utf8(payload).ok()?.parse().ok()
    }
}

/// A read of the authority.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum Read {
    /// Reads the whole hash in one step if it is small. Otherwise only the [`Probe`].
    Snapshot {
        /// The mark to publish with the read.
        mark: Mark,
        /// Largest number of fields up to which the reply includes the content.
        max_fields: u64,
        /// Largest total length of fields and values up to which the reply includes the content.
        max_bytes: u64,
    },
    /// Reads revision, size and time to live, without the content.
    Probe {
        /// The mark to publish with the read.
        mark: Mark,
    },
    /// Reads one page of a scan. Pages are not atomic with each other.
    Page {
        /// 0 for the first page, then the cursor of the previous page. 1 begins the second half of a hash.
        cursor: u64,
        /// Approximate number of fields to return.
        count: u64,
    },
}

/// The answer to a [`Read`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadReply {
    /// Answers [`Read::Snapshot`].
    Snapshot(Snapshot),
    /// Answers [`Read::Probe`].
    Probe(Probe),
    /// Answers [`Read::Page`].
    Page(Page),
}

/// Metadata of the hash at the moment of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The revision. 0 for a hash with fields but without `=rev`, `None` when the hash does not exist.
    pub revision: Option<Revision>,
    /// Number of fields as `HLEN` counts them, reserved fields included.
    pub fields: u64,
    /// True when the last change was a reset or a destroy, as the field `=kind` records.
    pub cleared: bool,
    /// Remaining time to live of the hash. `None` when it has none.
    pub ttl: Option<Duration>,
    /// The server's replication. `None` when the user lacks the right to read it.
    pub replication: Option<Replication>,
    /// The server's clock, in milliseconds since the Unix epoch. `None` when the user lacks the right to read it.
    pub clock: Option<u64>,
    /// Whether the map has leases, and the time left to the next deadline.
    pub leases: Leases,
}

impl Probe {
    /// A probe without time to live, replication, clock and leases, of a hash that was not cleared by its last change.
    #[must_use]
    pub const fn new(revision: Option<Revision>, fields: u64) -> Self {
        Self {
            revision,
            fields,
            cleared: false,
            ttl: None,
            replication: None,
            clock: None,
            leases: Leases::Unknown,
        }
    }

    /// Sets whether the last change cleared the map.
    #[must_use]
    pub fn cleared(mut self, cleared: bool) -> Self {
        self.cleared = cleared;
        self
    }

    /// Sets the time to live.
    #[must_use]
    pub fn ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets the server's replication.
    #[must_use]
    pub fn replication(mut self, replication: Option<Replication>) -> Self {
        self.replication = replication;
        self
    }

    /// Sets the server's clock.
    #[must_use]
    pub fn clock(mut self, clock: Option<u64>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the state of the leases.
    #[must_use]
    pub fn leases(mut self, leases: Leases) -> Self {
        self.leases = leases;
        self
    }
}

/// The state of a map's leases, as far as a read of the server shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "a handle decides by each of them which scripts it runs")]
pub enum Leases {
    /// The server did not say, because the user may not read the sidecars or the slot is being moved.
    #[default]
    Unknown,
    /// The map has no leases. Its writes need no sidecars.
    Off,
    /// The map may have leases, so its writes name the sidecars.
    On {
        /// Time left to the next deadline by the server's clock. `None` when no lease is there, or when the user may not
        /// read the clock.
        next: Option<Duration>,
    },
}

/// The answer to [`Read::Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Metadata of the hash.
    pub probe: Probe,
    /// The content, or `None` when the hash is too large for one step.
    pub content: Option<Entries>,
}

impl Snapshot {
    /// A snapshot with this probe. `content` is `None` when the hash is too large for one answer.
    #[must_use]
    pub const fn new(probe: Probe, content: Option<Entries>) -> Self {
        Self { probe, content }
    }
}

/// The answer to [`Read::Page`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Cursor of the next page. 0 after the last page.
    pub cursor: u64,
    /// The fields of this page. A scan may return the same field in several pages.
    pub entries: Entries,
}

impl Page {
    /// A page with these entries and the cursor of the next page.
    #[must_use]
    pub const fn new(cursor: u64, entries: Entries) -> Self {
        Self { cursor, entries }
    }
}

/// Fields of the hash, with the reserved fields split off.
///
/// The `Debug` form shows the number of entries and bytes, never a value.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Entries {
    /// Keys and values.
    pub content: Vec<(Bytes, Bytes)>,
    /// Names of the reserved fields, each of which contains a `=`.
    pub reserved: Vec<Bytes>,
}

impl Entries {
    /// Entries with this content and these names of reserved fields.
    #[must_use]
    pub const fn new(content: Vec<(Bytes, Bytes)>, reserved: Vec<Bytes>) -> Self {
        Self { content, reserved }
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.content.iter().map(|(key, value)| key.len() + value.len()).sum();
        f.debug_struct("Entries")
            .field("content", &self.content.len())
            .field("bytes", &Size(bytes))
            .field("reserved", &self.reserved)
            .finish()
    }
}
