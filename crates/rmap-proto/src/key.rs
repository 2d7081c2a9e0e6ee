//! Keys of a map, and the reserved fields of the hash.

use std::borrow::Borrow;
use std::fmt;
use std::str::{self, FromStr, Utf8Error};

use bytes::Bytes;

use crate::Escaped;
use crate::error::InvalidKey;

/// The reserved field that holds the revision of the last change, in decimal.
pub const REVISION_FIELD: &[u8] = b"=rev";

/// The reserved field that holds the kind of the last change.
pub const KIND_FIELD: &[u8] = b"=kind";

/// True for a reserved field of the hash, which is no entry: every name that contains a `=`.
#[must_use]
pub fn is_reserved(field: &[u8]) -> bool {
    field.contains(&b'=')
}

/// A key of a map: at least one byte, and no `=`.
///
/// `Display` and `Debug` show the key [escaped](Escaped), in one line. A key equals text or bytes that have the same
/// bytes.
///
/// ```
/// use rmap_proto::Key;
///
/// # fn main() -> Result<(), rmap_proto::InvalidKey> {
/// let key: Key = "dark-mode".parse()?;
/// assert_eq!(key, "dark-mode");
/// assert_eq!(key.to_string(), "dark-mode");
/// assert!(Key::new("=rev").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// Validates and copies a key.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when the key is empty or contains a `=`.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let key = key.as_ref();
        if key.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if let Some(offset) = key.iter().position(|&byte| byte == b'=') {
            return Err(InvalidKey::EqualsSign { key: Bytes::copy_from_slice(key), offset });
        }
        Ok(Self(Bytes::copy_from_slice(key)))
    }

    /// Wraps a field that was read from the hash, without validation.
    ///
    /// Another program may have written an entry with an empty key, and a replica must still show the entry. The field
    /// must not be [reserved](is_reserved).
    #[must_use]
    pub fn stored(field: &[u8]) -> Self {
        debug_assert!(!is_reserved(field), "a reserved field is no key");
        Self(Bytes::copy_from_slice(field))
    }

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key as text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] when the key is not UTF-8.
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.0)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// True when the key has no bytes. Only another program can write such a key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key as shared bytes; cloning them does not copy.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(f)
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(key: &str) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

impl From<Key> for Bytes {
    fn from(key: Key) -> Self {
        key.0
    }
}

crate::compare_bytes!(Key);
