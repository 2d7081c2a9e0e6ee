//! Outputs of a replica: requests to its driver, events and changes.

use std::fmt;
use std::num::NonZeroU64;

use rmap_proto::{Escaped, Key, Revision};

use crate::Value;
#[cfg(feature = "serde")]
use crate::serialize;
use crate::shown::Shown;

/// An output of a replica. The driver must carry out or pass on each, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver that leaves one out is broken")]
pub enum Output {
    /// Subscribe to the map's channel, then to the private channel with this nonce, on the subscriber connection.
    /// Answer with [`Replica::handle_subscribed`](crate::Replica::handle_subscribed). The new private channel replaces
    /// an earlier one.
    Subscribe {
        /// The nonce in the private channel's name.
        nonce: Nonce,
    },
    /// Read the authority on the command connection, and answer with
    /// [`Replica::handle_reply`](crate::Replica::handle_reply). Snapshots and probes must publish the mark with this
    /// id.
    Request {
        /// Identifies the answer, and serves as the mark's id.
        id: RequestId,
        /// The read to perform.
        request: Request,
    },
    /// Replace both connections if this pair is still the current one. Then report the disconnect and the new connect.
    ReplaceConnections {
        /// The number of the pair, from [`Replica::handle_connected`](crate::Replica::handle_connected).
        connection: u64,
    },
    /// Notify users of the strongest change of the content since the last such output.
    Changed(EventKind),
    /// Notify users and waiters: [`Replica::status`](crate::Replica::status) or the progress changed.
    StatusChanged,
}

/// The number of a request. Later requests have greater numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(NonZeroU64);

impl RequestId {
    /// The request with this number.
    #[must_use]
    pub const fn new(number: NonZeroU64) -> Self {
        Self(number)
    }

    /// The number, which is also the id of the mark.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

/// A read to perform. The driver adds the mark and gets an [`rmap_proto::Read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver that leaves one out is broken")]
pub enum Request {
    /// [`rmap_proto::Read::Snapshot`].
    Snapshot {
        /// Largest number of fields for which the reply includes the content.
        max_fields: u64,
        /// Largest number of bytes for which the reply includes the content.
        max_bytes: u64,
    },
    /// [`rmap_proto::Read::Probe`].
    Probe,
    /// [`rmap_proto::Read::Page`]. Two pages may be in flight.
    Page {
        /// The cursor at which the page begins.
        cursor: u64,
        /// Approximate number of fields.
        count: u64,
    },
}

/// The random part of a private channel's name. Every subscription draws a new nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    pub(crate) fn draw(rng: &mut fastrand::Rng) -> Self {
        Self(format!("{:016x}{:016x}", rng.u64(..), rng.u64(..)))
    }

    /// The nonce as part of a channel's name: 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The reason why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The authority was unreachable or did not answer. A retry may help.
    Unavailable(String),
    /// The authority refused and will keep refusing until somebody changes something there: a missing right, a key of
    /// the wrong type.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the server could not be asked: {why}"),
            Self::Refused(why) => write!(f, "the server refuses: {why}"),
        }
    }
}

/// The effect of a notification on the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// The notification changed the content.
    Applied,
    /// The replica holds the notification until a snapshot, a scan or the rest of its batch arrives.
    Held,
    /// The replica does not need the notification. The snapshot already contains it, the replica has no subscription,
    /// or the key is reserved.
    Ignored,
    /// The notification does not follow the local revision, is undecodable, or exceeds the bounds of held
    /// notifications. A resync begins.
    Gap,
}

/// The result of a verification, from [`Replica::poll_verified`](crate::Replica::poll_verified).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The revision at which content and hash were compared. `None` means that the server has no hash.
    pub revision: Option<Revision>,
    /// Number of compared entries of the hash.
    pub compared: u64,
    /// The differing keys, sorted. Keys that a notification changed meanwhile are left out.
    pub differing: Vec<Differing>,
    /// False when so many keys differed that the replica stopped comparing. The list is incomplete then, and a resync
    /// follows.
    pub complete: bool,
}

impl Verified {
    /// True if every entry was compared and none differed.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.complete && self.differing.is_empty()
    }
}

/// A key whose value differed from the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a key and how it differs")]
pub struct Differing {
    /// The key.
    pub key: Key,
    /// The kind of difference.
    pub how: Discrepancy,
}

/// The kind of difference between content and hash in one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way")]
pub enum Discrepancy {
    /// The hash has the key, and the content lacked it.
    Missing,
    /// The content had the key, and the hash lacks it.
    Extra,
    /// Both have the key, with different values.
    Other,
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Other => "other value",
        })
    }
}

/// Kinds of events, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three kinds of event that the seed has")]
pub enum EventKind {
    /// Keys got new values.
    Changed,
    /// Keys were deleted.
    Deleted,
    /// The map was cleared, or its hash vanished.
    Reset,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Reset => "reset",
        })
    }
}

/// The net change of one key.
///
/// `Display` shows the whole change in one line, for people: revision, key, old value and new value, escaped and
/// quoted. `Debug` shows the key and the number of bytes of the values.
///
/// ```
/// use rmap_core::Change;
/// use rmap_proto::{Key, Revision};
///
/// let change = Change {
///     revision: Revision::new(7),
///     key: Key::new("dark-mode")?,
///     old: None,
///     new: Some("on".into()),
/// };
/// assert_eq!(change.to_string(), r#"7 "dark-mode" none -> "on""#);
/// # Ok::<(), rmap_proto::InvalidKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a change of a key is these four things")]
pub struct Change {
    /// The revision at which the replica shows the change, or `None` when the hash vanished. Successive changes need
    /// not have rising revisions.
    pub revision: Option<Revision>,
    /// The key.
    pub key: Key,
    /// The old value, or `None` for a new key.
    pub old: Option<Value>,
    /// The new value, or `None` for a deleted key.
    pub new: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |value: &Option<Value>| {
            value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("{:?}", Escaped(value)))
        };
        let (old, new) = (quoted(&self.old), quoted(&self.new));
        write!(f, "{} {:?} {old} -> {new}", Shown(self.revision), Escaped(self.key.as_bytes()))
    }
}

/// Serializes all fields: `{"revision":7,"key":"dark-mode","old":null,"new":"on"}`. A key or a value that is not UTF-8
/// appears in hexadecimal, under a name that ends with `_hex`.
#[cfg(feature = "serde")]
impl serde::Serialize for Change {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let mut object = serializer.serialize_map(Some(4))?;
        object.serialize_entry("revision", &self.revision)?;
        serialize::bytes(&mut object, ["key", "key_hex"], Some(self.key.as_bytes()))?;
        serialize::bytes(&mut object, ["old", "old_hex"], self.old.as_deref())?;
        serialize::bytes(&mut object, ["new", "new_hex"], self.new.as_deref())?;
        object.end()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for EventKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
