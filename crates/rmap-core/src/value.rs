//! Stored keys and values.

mod convert;

use std::fmt;
use std::iter::repeat_n;
use std::str::{self, Utf8Error};

use rmap_proto::{Escaped, Key, compare_bytes};
use triomphe::{Arc, ThinArc};

/// Immutable bytes that own their memory. A clone shares the bytes and copies nothing.
///
/// A value never keeps a network buffer alive. A value read from a map shares its memory with its key. `Display` shows
/// the value as text, with U+FFFD in place of invalid UTF-8. `Debug` prints only the number of bytes, so that values do
/// not end up in logs by accident.
///
/// A value dereferences to a byte slice, converts from text and bytes, and equals text or bytes that have the same
/// bytes:
///
/// ```
/// use rmap_core::Value;
///
/// let value = Value::from("on");
/// assert_eq!(value, "on");
/// assert_eq!(value.to_string(), "on");
/// assert!(value.starts_with(b"o"));
/// ```
#[derive(Clone)]
pub struct Value(
    /// Key and value in one allocation, with the offset of the value. A lookup follows one pointer of eight bytes to
    /// all that it needs.
    ThinArc<usize, u8>,
);

impl Value {
    /// A value that carries the key under which it is stored.
    pub(crate) fn stored(key: &[u8], value: &[u8]) -> Self {
        let mut bytes = ThinArc::from_header_and_iter(key.len(), repeat_n(0, key.len() + value.len()));
        bytes.with_arc_mut(|bytes| {
            // The allocation is new, so this is the only reference and `get_mut` always succeeds.
            if let Some(bytes) = Arc::get_mut(bytes) {
                let (first, second) = bytes.slice_mut().split_at_mut(key.len());
                first.copy_from_slice(key);
                second.copy_from_slice(value);
            }
        });
        Self(bytes)
    }

    /// The key that the value carries. Empty for a value without a key.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        self.0.slice.split_at(self.0.header.header).0
    }

    /// Number of bytes of the value and of the key that it carries.
    #[inline]
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.0.slice.len() as u64
    }

    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.slice.split_at(self.0.header.header).1
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] when the bytes are not UTF-8.
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(self.as_bytes())
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// True when there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.len())
    }
}

/// A [`Key`], borrowed from the stored entry. `Key::from` makes an owned key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef<'a>(&'a [u8]);

impl<'a> KeyRef<'a> {
    pub(crate) const fn new(key: &'a [u8]) -> Self {
        Self(key)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The bytes as text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] when the bytes are not UTF-8.
    pub const fn as_str(self) -> Result<&'a str, Utf8Error> {
        str::from_utf8(self.0)
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Display for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(self.0).fmt(f)
    }
}

impl From<KeyRef<'_>> for Key {
    fn from(key: KeyRef<'_>) -> Self {
        Self::stored(key.0)
    }
}

impl AsRef<[u8]> for KeyRef<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

compare_bytes!(Value);
compare_bytes!(KeyRef<'_>);
