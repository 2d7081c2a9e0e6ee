//! Leases: keys that expire by themselves.

use std::time::Duration;

use bytes::Bytes;

use crate::error::InvalidExpiry;
use crate::{Mark, Revision};

/// Longest value that a lease guards, in bytes: 64 KiB. The server hashes the value of each lease.
pub const MAX_LEASED_BYTES: usize = 64 << 10;

/// Largest number of leases that one script renews, revokes or ends.
pub const MAX_LEASES_AT_ONCE: usize = 100;

/// The time after which a key expires unless its lease is renewed, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(u64);

impl Expiry {
    /// The shortest expiry, in milliseconds.
    pub const MIN: u64 = 1_000;

    /// The longest expiry, in milliseconds: about 31 years.
    pub const MAX: u64 = 1_000_000_000_000;

    /// Rounds a duration up to whole milliseconds.
    ///
    /// # Errors
    ///
    /// [`InvalidExpiry`] below [`Expiry::MIN`] or above [`Expiry::MAX`].
    pub fn new(expiry: Duration) -> Result<Self, InvalidExpiry> {
        let millis = u64::try_from(expiry.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        match millis {
            ..Self::MIN => Err(InvalidExpiry::TooShort),
            Self::MIN..=Self::MAX => Ok(Self(millis)),
            _ => Err(InvalidExpiry::TooLong),
        }
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The condition of a [`KeyOperation::SetExpiring`](crate::KeyOperation::SetExpiring).
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum OnlyIf {
    /// No condition.
    Any,
    /// The key is missing.
    Absent,
    /// The key holds exactly this value.
    Equals(Bytes),
}

/// A key and the fence of its lease, by which its holder proves the lease.
///
/// The fence rises with every holder of the key, across lives of the map and failovers, unless the server's clock went
/// back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The key.
    pub key: crate::Key,
    /// The fence that the write of the key returned.
    pub fence: u64,
}

impl Held {
    /// A key with this fence.
    #[must_use]
    pub const fn new(key: crate::Key, fence: u64) -> Self {
        Self { key, fence }
    }
}

/// The answer to a reap: the keys whose leases had run out are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reaped {
    /// The revision after the reap. `None` when the hash does not exist.
    pub revision: Option<Revision>,
    /// Number of deleted keys. Each took one revision.
    pub deleted: u64,
    /// Number of leases that ended silently, because they no longer guarded what their keys hold.
    pub dropped: u64,
    /// Time left to the next deadline. Zero when another reap has work at once, `None` without another lease.
    pub next: Option<Duration>,
}

impl Reaped {
    /// The answer to a reap that ended these numbers of leases.
    #[must_use]
    pub const fn new(revision: Option<Revision>, deleted: u64, dropped: u64, next: Option<Duration>) -> Self {
        Self { revision, deleted, dropped, next }
    }
}

/// The answer to a revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// The revision after the revoke. `None` when the hash does not exist.
    pub revision: Option<Revision>,
    /// Number of deleted keys. Each took one revision.
    pub deleted: u64,
    /// The keys that were not held with the given fence, in the order of the request. They are left alone.
    pub not_held: Vec<Bytes>,
}

impl Revoked {
    /// The answer to a revoke.
    #[must_use]
    pub const fn new(revision: Option<Revision>, deleted: u64, not_held: Vec<Bytes>) -> Self {
        Self { revision, deleted, not_held }
    }
}

/// The lease of a key at the moment of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadline {
    /// The deadline, in milliseconds since the Unix epoch by the server's clock.
    pub at: u64,
    /// Time left by the server's clock. Zero after the deadline.
    pub left: Duration,
    /// The fence of the lease.
    pub fence: u64,
}

impl Deadline {
    /// A deadline, read at the moment `clock` of the server's clock. Both in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn new(at: u64, clock: u64, fence: u64) -> Self {
        Self { at, left: Duration::from_millis(at.saturating_sub(clock)), fence }
    }
}

/// News about the next deadline on the [shared channel](crate::MapName::shared_channel): a reap deleted nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseNews {
    /// Time left to the next deadline. `None` without any lease.
    pub next: Option<Duration>,
}

impl LeaseNews {
    /// News of this time left.
    #[must_use]
    pub const fn new(next: Option<Duration>) -> Self {
        Self { next }
    }

    /// Reads a payload of the shared channel. `None` when the payload is something else.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rmap_proto::LeaseNews;
    ///
    /// let news = LeaseNews::decode(b"lease:1500").expect("news");
    /// assert_eq!(news.next, Some(Duration::from_millis(1500)));
    /// assert_eq!(LeaseNews::decode(b"lease:none").map(|news| news.next), Some(None));
    /// assert_eq!(LeaseNews::decode(b"lease:+1"), None);
    /// ```
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        match payload.strip_prefix(b"lease:")? {
            b"none" => Some(Self { next: None }),
            text => Mark::parse_id(text).map(|millis| Self { next: Some(Duration::from_millis(millis)) }),
        }
    }

    /// Writes the payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let left = self.next.map_or_else(|| "none".to_owned(), |next| next.as_millis().to_string());
        format!("lease:{left}").into()
    }
}
