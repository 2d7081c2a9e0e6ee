//! Keys of a map, and the reserved fields of the hash.

use std::fmt;

use bytes::Bytes;

use crate::error::InvalidKey;

/// The reserved field that holds the revision of the last change, in decimal.
pub const REVISION_FIELD: &[u8] = b"=rev";

/// The reserved field that holds the kind of the last change.
pub const KIND_FIELD: &[u8] = b"=kind";

/// True for a field of the hash that is not content: every name with a `=` in it.
#[must_use]
pub fn is_reserved(field: &[u8]) -> bool {
    field.contains(&b'=')
}

/// A validated key of a map: at least one byte, and no `=`.
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

    /// The key's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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
        write!(f, "{}", self.0.escape_ascii())
    }
}
