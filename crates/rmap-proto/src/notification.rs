//! Encoding and decoding of notifications.
//!
//! [`Notification::decode`] is the only function that reads bytes published by others. It borrows from the payload and
//! allocates nothing.

use std::fmt;

use crate::error::{DecodeError, Part, Problem};
use crate::sizes::Size;
use crate::{Escaped, Mark, Revision};

const SET: &[u8] = b"set:";
const DELETE: &[u8] = b"del:";
const RESET: &[u8] = b"reset:";
const DESTROY: &[u8] = b"destroy:";
const MAGIC: &[u8] = b"RM";
const TAG_BATCH: u8 = b'B';
const TAG_BORN: u8 = b'N';
const TAG_LEASE: u8 = b'L';

/// One change of the map, as published on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification<'a> {
    /// The revision of the map after the change.
    pub revision: Revision,
    /// The change itself.
    pub change: Change<'a>,
    /// Tag `B`: number of notifications of the same atomic batch that follow. 0 for a single write and for the last of
    /// a batch.
    pub remaining: u32,
    /// Tag `N`: the hash did not exist before this write, so the key is its only entry.
    pub born: bool,
    /// Tag `L`: the set began a lease, which has this number of milliseconds left. The number is a hint for those who
    /// plan a reap, so unreadable content counts as no tag.
    pub lease_left: Option<u64>,
}

/// The change that a [`Notification`] carries.
///
/// The `Debug` form shows the number of bytes of a value, never the value.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the wire format has these four kinds and no others, for good")]
pub enum Change<'a> {
    /// A key got a value.
    Set {
        /// The key. Receivers ignore a key that contains a `=`.
        key: &'a [u8],
        /// The new value.
        value: &'a [u8],
    },
    /// A key was deleted.
    Delete {
        /// The key. Receivers ignore a key that contains a `=`.
        key: &'a [u8],
    },
    /// The map was cleared.
    Reset,
    /// The map was cleared for good.
    Destroy,
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { key, value } => write!(f, "set({}, {:?})", Escaped(key), Size::of(value)),
            Self::Delete { key } => write!(f, "delete({})", Escaped(key)),
            Self::Reset => f.write_str("reset"),
            Self::Destroy => f.write_str("destroy"),
        }
    }
}

impl<'a> Notification<'a> {
    /// The notification of a single write to an existing hash.
    #[must_use]
    pub const fn new(revision: Revision, change: Change<'a>) -> Self {
        Self { revision, change, remaining: 0, born: false, lease_left: None }
    }

    /// Sets the number of notifications of the same batch that follow.
    #[must_use]
    pub const fn remaining(mut self, remaining: u32) -> Self {
        self.remaining = remaining;
        self
    }

    /// Sets whether this write created the hash.
    #[must_use]
    pub const fn born(mut self, born: bool) -> Self {
        self.born = born;
        self
    }

    /// Sets the number of milliseconds that the lease begun by this write has left.
    #[must_use]
    pub const fn lease_left(mut self, millis: Option<u64>) -> Self {
        self.lease_left = millis;
        self
    }

    /// True when the notification alone determines the content, whatever the replica held before.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.born || matches!(self.change, Change::Reset | Change::Destroy)
    }

    /// The changed key, or `None` for a cleared map.
    #[must_use]
    pub const fn key(&self) -> Option<&'a [u8]> {
        match self.change {
            Change::Set { key, .. } | Change::Delete { key } => Some(key),
            Change::Reset | Change::Destroy => None,
        }
    }

    /// Extracts the key of a `set` or `del` without decoding the rest, which may still be invalid.
    #[must_use]
    pub fn key_of(payload: &'a [u8]) -> Option<&'a [u8]> {
        let mut cursor = Cursor { payload, offset: 0 };
        if cursor.skip(SET) || cursor.skip(DELETE) { cursor.key().ok() } else { None }
    }

    /// Decodes a payload.
    ///
    /// Unknown tags are ignored. After the revision of `set` and `del`, bytes that do not begin with `RM` are ignored
    /// as well.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] names the part, the offset and the fault.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor { payload, offset: 0 };
        if cursor.skip(SET) {
            let key = cursor.key()?;
            let value = cursor.sized(Part::Value)?;
            cursor.tagged(Change::Set { key, value })
        } else if cursor.skip(DELETE) {
            let key = cursor.key()?;
            cursor.tagged(Change::Delete { key })
        } else if cursor.skip(RESET) {
            cursor.plain(Change::Reset)
        } else if cursor.skip(DESTROY) {
            cursor.plain(Change::Destroy)
        } else {
            Err(cursor.fault(Part::Kind, Problem::UnknownKind))
        }
    }

    /// Encodes the payload.
    ///
    /// `reset` and `destroy` have no room for the tags, so the tags are left out there. The length of a key or value
    /// beyond 4 GiB is cut to 32 bits; no Redis string is that long.
    ///
    /// ```
    /// use rmap_proto::{Change, Notification, Revision};
    ///
    /// # fn main() -> Result<(), rmap_proto::DecodeError> {
    /// let change = Change::Set { key: b"color", value: b"blue" };
    /// let payload = Notification::new(Revision::ONE, change).encode();
    /// assert_eq!(Notification::decode(&payload)?.key(), Some(&b"color"[..]));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let revision = self.revision.to_string();
        let mut out = Vec::new();
        match self.change {
            Change::Set { key, value } => {
                out.extend_from_slice(SET);
                put_sized(&mut out, key);
                put_sized(&mut out, value);
                put_sized(&mut out, revision.as_bytes());
                self.put_tags(&mut out);
            }
            Change::Delete { key } => {
                out.extend_from_slice(DELETE);
                put_sized(&mut out, key);
                put_sized(&mut out, revision.as_bytes());
                self.put_tags(&mut out);
            }
            Change::Reset => {
                out.extend_from_slice(RESET);
                out.extend_from_slice(revision.as_bytes());
            }
            Change::Destroy => {
                out.extend_from_slice(DESTROY);
                out.extend_from_slice(revision.as_bytes());
            }
        }
        out
    }

    fn put_tags(&self, out: &mut Vec<u8>) {
        if self.born || self.remaining > 0 || self.lease_left.is_some() {
            out.extend_from_slice(MAGIC);
        }
        if self.born {
            out.push(TAG_BORN);
            put_sized(out, b"");
        }
        if self.remaining > 0 {
            out.push(TAG_BATCH);
            put_sized(out, &self.remaining.to_le_bytes());
        }
        if let Some(millis) = self.lease_left {
            out.push(TAG_LEASE);
            put_sized(out, millis.to_string().as_bytes());
        }
    }
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    #[expect(clippy::cast_possible_truncation, reason = "documented on encode")]
    let length = bytes.len() as u32;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

struct Cursor<'a> {
    payload: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.payload[self.offset..]
    }

    fn fault(&self, part: Part, problem: Problem) -> DecodeError {
        DecodeError { part, offset: self.offset, problem }
    }

    fn skip(&mut self, prefix: &[u8]) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.offset += prefix.len();
        }
        found
    }

    fn take(&mut self, part: Part, length: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest().split_at_checked(length) {
            Some((taken, _)) => {
                self.offset += length;
                Ok(taken)
            }
            None => Err(self.fault(part, Problem::Truncated { missing: length - self.rest().len() })),
        }
    }

    fn length(&mut self, part: Part) -> Result<usize, DecodeError> {
        let bytes = self.take(part, 4)?;
        let length = bytes.iter().rev().fold(0u32, |length, &byte| length << 8 | u32::from(byte));
        usize::try_from(length).map_err(|_| self.fault(part, Problem::Truncated { missing: usize::MAX }))
    }

    fn sized(&mut self, part: Part) -> Result<&'a [u8], DecodeError> {
        let length = self.length(part)?;
        self.take(part, length)
    }

    fn key(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.sized(Part::Key)? {
            b"" => Err(self.fault(Part::Key, Problem::Empty)),
            key => Ok(key),
        }
    }

    /// Decodes the rest of a `set` or `del`: a sized revision, then tags.
    fn tagged(mut self, change: Change<'a>) -> Result<Notification<'a>, DecodeError> {
        let text = self.sized(Part::Revision)?;
        let mut notification = Notification::new(self.revision(text)?, change);
        self.tags(&mut notification)?;
        Ok(notification)
    }

    /// Decodes the rest of a `reset` or `destroy`: the revision, up to the end.
    fn plain(mut self, change: Change<'a>) -> Result<Notification<'a>, DecodeError> {
        let text = self.rest();
        self.offset = self.payload.len();
        Ok(Notification::new(self.revision(text)?, change))
    }

    /// Decodes the revision from the text that was just read.
    fn revision(&self, text: &[u8]) -> Result<Revision, DecodeError> {
        Revision::parse(text).ok_or(DecodeError {
            part: Part::Revision,
            offset: self.offset - text.len(),
            problem: Problem::NotARevision,
        })
    }

    fn tags(&mut self, notification: &mut Notification<'a>) -> Result<(), DecodeError> {
        if !self.skip(MAGIC) {
            return Ok(());
        }
        let (mut seen_batch, mut seen_born) = (false, false);
        while let Some(&tag) = self.rest().first() {
            let start = self.offset;
            self.offset += 1;
            let field = self.sized(Part::Extension)?;
            let fault = |problem| DecodeError { part: Part::Extension, offset: start, problem };
            match (tag, field) {
                (TAG_BATCH, _) if seen_batch => return Err(fault(Problem::Repeated)),
                (TAG_BORN, _) if seen_born => return Err(fault(Problem::Repeated)),
                (TAG_BATCH, &[a, b, c, d]) => {
                    notification.remaining = u32::from_le_bytes([a, b, c, d]);
                    seen_batch = true;
                }
                (TAG_BORN, &[]) => {
                    notification.born = true;
                    seen_born = true;
                }
                (TAG_LEASE, text) => {
                    notification.lease_left = notification.lease_left.or_else(|| Mark::parse_id(text));
                }
                (TAG_BATCH | TAG_BORN, _) => return Err(fault(Problem::WrongLength { length: field.len() })),
                _ => {}
            }
        }
        Ok(())
    }
}
