//! The reads by which a replica synchronises, and their replies.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::Revision;
use crate::sizes::Size;

/// A message that the authority publishes on a private channel in the same atomic step as a read.
///
/// It stands in the stream of notifications exactly where the read took place. Its payload is `id` in decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The private channel, from [`MapName::sync_channel`](crate::MapName::sync_channel).
    pub channel: Bytes,
    /// Tells the marks of one subscription apart.
    pub id: u64,
}

impl Mark {
    /// Reads the payload of a mark; `None` when it is not one of ours, which are canonical decimal.
    #[must_use]
    pub fn parse_id(payload: &[u8]) -> Option<u64> {
        // The standard library takes `+7` and `007` as well.
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
    /// Everything at once, if the hash is small; the [`Probe`] of it alone otherwise.
    Snapshot {
        /// Published with the read.
        mark: Mark,
        /// Largest number of fields for which the content is included.
        max_fields: u64,
        /// Largest sum of the lengths of fields and values for which the content is included.
        max_bytes: u64,
    },
    /// What the hash is at, without its content.
    Probe {
        /// Published with the read.
        mark: Mark,
    },
    /// One page of a scan; not atomic with the others.
    Page {
        /// 0 for the first page, then the cursor of the page before; 1 begins the second half of a hash.
        cursor: u64,
        /// About how many fields to return.
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

/// What the hash was at when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The revision; 0 for a hash with fields but without `=rev`, `None` when there is no hash.
    pub revision: Option<Revision>,
    /// The number of fields, reserved ones included (HLEN).
    pub fields: u64,
    /// True when the last change was a reset or a destroy, as the field `=kind` says.
    pub cleared: bool,
    /// What remains of the hash's time to live; `None` when it has none.
    pub ttl: Option<Duration>,
    /// The server's replication id (`master_replid`), which changes with a failover and a restart; `None` when the
    /// user may not ask for it.
    pub replication_id: Option<Bytes>,
}

/// The answer to [`Read::Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What the hash was at.
    pub probe: Probe,
    /// The content, or `None` when the hash is too large to be read in one step.
    pub content: Option<Entries>,
}

/// The answer to [`Read::Page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins; 0 when this was the last.
    pub cursor: u64,
    /// The fields of this page; a field may come in more than one page.
    pub entries: Entries,
}

/// Fields of the hash, the reserved ones split off.
///
/// Its `Debug` form tells how many entries and bytes there are, not the values.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Entries {
    /// Keys and values.
    pub content: Vec<(Bytes, Bytes)>,
    /// Names of the reserved fields, which contain a `=`.
    pub reserved: Vec<Bytes>,
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
