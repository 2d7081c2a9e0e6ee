//! Map names, and the Redis key and channels derived from them.

use std::fmt;

use bytes::Bytes;

use crate::error::InvalidName;

/// Longest map name, in characters. An invalid UTF-8 byte counts as one character.
pub const MAX_NAME_CHARS: usize = 512;

/// The validated name of a map: 1 to 512 characters, none of them a space, NUL, `*`, `?`, `[` or `]`.
///
/// A `{tag}` in the name puts the hash and its channels into one cluster slot.
///
/// ```
/// use rmap_proto::MapName;
///
/// # fn main() -> Result<(), rmap_proto::InvalidName> {
/// let name = MapName::new("flags")?;
/// assert_eq!(name.hash_key(), "map:flags:content");
/// assert_eq!(name.updates_channel(), "map:flags:updates");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapName(Bytes);

impl MapName {
    /// Validates a name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] when the name is empty, is too long, or contains a forbidden byte.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, InvalidName> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if let Some(offset) = name.iter().position(|byte| b" \0*?[]".contains(byte)) {
            return Err(InvalidName::Forbidden { byte: name[offset], offset });
        }
        let chars = count_chars(name);
        if chars > MAX_NAME_CHARS {
            return Err(InvalidName::TooLong { chars });
        }
        Ok(Self(Bytes::copy_from_slice(name)))
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The Redis key of the hash: `map:NAME:content`.
    #[must_use]
    pub fn hash_key(&self) -> Bytes {
        self.derive(b":content")
    }

    /// The channel on which the server publishes every change of the map: `map:NAME:updates`.
    #[must_use]
    pub fn updates_channel(&self) -> Bytes {
        self.derive(b":updates")
    }

    /// The private channel of one subscription, which carries its marks: `map:NAME:sync:NONCE`.
    #[must_use]
    pub fn sync_channel(&self, nonce: &str) -> Bytes {
        self.derive(format!(":sync:{nonce}").as_bytes())
    }

    fn derive(&self, suffix: &[u8]) -> Bytes {
        [b"map:", self.as_bytes(), suffix].concat().into()
    }
}

/// Counts characters the way Go ranges over a string: every byte outside of a valid character counts as one.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

impl fmt::Debug for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapName({self})")
    }
}

impl fmt::Display for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
