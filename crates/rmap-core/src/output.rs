//! What a replica asks of its driver and tells it.

use std::fmt;
use std::num::NonZeroU64;

use rmap_proto::{Escaped, Key, Revision};

use crate::Value;
#[cfg(feature = "serde")]
use crate::serialize;
use crate::shown::Shown;

/// Everything that a replica asks of, or tells, its driver, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver that leaves one out is broken")]
pub enum Output {
    /// Subscribe the map's channel, then the private channel with this nonce, on the subscriber connection; answer with
    /// [`Replica::handle_subscribed`](crate::Replica::handle_subscribed). It replaces an earlier private channel.
    Subscribe {
        /// Names the private channel.
        nonce: Nonce,
    },
    /// Read the authority on the command connection and answer with
    /// [`Replica::handle_reply`](crate::Replica::handle_reply). Snapshots and probes publish the mark with this id.
    Request {
        /// Comes back with the answer, and as the mark.
        id: RequestId,
        /// What to read.
        request: Request,
    },
    /// Replace both connections if this pair is still the current one, then report the disconnect and the connect.
    ReplaceConnections {
        /// The number that came with [`Replica::handle_connected`](crate::Replica::handle_connected).
        connection: u64,
    },
    /// The content changed; the strongest kind since the last time.
    Changed(EventKind),
    /// [`Replica::status`](crate::Replica::status) or the progress changed.
    StatusChanged,
}

/// The number of a request; later requests have greater numbers.
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

/// What to read; [`rmap_proto::Read`] with the mark is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver that leaves one out is broken")]
pub enum Request {
    /// [`rmap_proto::Read::Snapshot`].
    Snapshot {
        /// Largest number of fields for which the content is included.
        max_fields: u64,
        /// Largest number of bytes for which the content is included.
        max_bytes: u64,
    },
    /// [`rmap_proto::Read::Probe`].
    Probe,
    /// [`rmap_proto::Read::Page`]; two of them may be under way.
    Page {
        /// Where the page begins.
        cursor: u64,
        /// About how many fields.
        count: u64,
    },
}

/// Names a private channel; drawn anew for every subscription.
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

/// Why the driver has no answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The authority was not reached or did not answer; asking again may help.
    Unavailable(String),
    /// The authority refused, and will until somebody changes something there: a missing right, a key of the wrong type.
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

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// The content changed.
    Applied,
    /// Kept until a snapshot, a scan or the rest of its batch is there.
    Held,
    /// Not needed: it came before a mark and is in the snapshot, the replica has no subscription, or the key is reserved.
    Ignored,
    /// It does not follow the local revision, cannot be read, or is too much to hold; a resync has begun.
    Gap,
}

/// What a verification found, from [`Replica::poll_verified`](crate::Replica::poll_verified).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The revision at which the content and the hash were compared; `None`: the server has no hash.
    pub revision: Option<Revision>,
    /// How many entries of the hash were compared.
    pub compared: u64,
    /// The keys that differed, sorted. Keys that a notification changed meanwhile are none of them.
    pub differing: Vec<Differing>,
    /// False when so many keys differed that the comparison was given up: the list is the beginning, and a resync follows.
    pub complete: bool,
}

impl Verified {
    /// True when every entry was compared and none differed.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.complete && self.differing.is_empty()
    }
}

/// One key that differed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a key and how it differs")]
pub struct Differing {
    /// The key.
    pub key: Key,
    /// How the content differed from the hash.
    pub how: Discrepancy,
}

/// How the content differed from the hash in one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way")]
pub enum Discrepancy {
    /// The hash has the key, the content had not.
    Missing,
    /// The content had the key, the hash has not.
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

/// What happened to the content, from the weakest to the strongest.
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
/// `Display` shows all of it in one line, for people: revision, key, the value before and the value now, escaped and
/// quoted. `Debug` shows the key and how many bytes the values have.
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
    /// The revision at which the replica shows it; `None` when the hash vanished. It need not rise from change to change.
    pub revision: Option<Revision>,
    /// The key.
    pub key: Key,
    /// The value before; `None` for a new key.
    pub old: Option<Value>,
    /// The value now; `None` for a deleted key.
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

/// All of it: `{"revision":7,"key":"dark-mode","old":null,"new":"on"}`. A key or a value that is not UTF-8 stands in
/// hexadecimal under a name that ends with `_hex`.
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
