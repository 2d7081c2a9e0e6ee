//! Keys and values as they are stored and handed out.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::repeat_n;
use std::str::{self, Utf8Error};

use triomphe::{Arc, ThinArc};

/// Immutable bytes that own their memory; a clone shares them and copies nothing.
///
/// A value never holds on to a network buffer. One that was read from a map shares its memory with its key. `Debug`
/// prints the number of bytes only, so that values do not end up in logs by accident.
#[derive(Clone)]
pub struct Value(
    /// Key and value one after the other, and where the value begins: a look-up then follows one pointer, of eight
    /// bytes, to all that it needs.
    ThinArc<usize, u8>,
);

impl Value {
    /// A value that carries the key under which it is stored.
    pub(crate) fn stored(key: &[u8], value: &[u8]) -> Self {
        let mut bytes = ThinArc::from_header_and_iter(key.len(), repeat_n(0, key.len() + value.len()));
        bytes.with_arc_mut(|bytes| {
            // Nobody else has it yet, so this always is the only reference.
            if let Some(bytes) = Arc::get_mut(bytes) {
                let (first, second) = bytes.slice_mut().split_at_mut(key.len());
                first.copy_from_slice(key);
                second.copy_from_slice(value);
            }
        });
        Self(bytes)
    }

    /// The key that it was stored with; empty if it was made without one.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        self.0.slice.split_at(self.0.header.header).0
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
    /// [`Utf8Error`] when they are not UTF-8.
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

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<[u8]> for Value {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self(ThinArc::from_header_and_slice(0, bytes))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl From<KeyRef<'_>> for Value {
    fn from(key: KeyRef<'_>) -> Self {
        key.as_bytes().into()
    }
}

/// The key of an entry, borrowed from where it is stored.
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
    /// [`Utf8Error`] when they are not UTF-8.
    pub const fn as_str(self) -> Result<&'a str, Utf8Error> {
        str::from_utf8(self.0)
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef(\"{}\")", self.0.escape_ascii())
    }
}

impl AsRef<[u8]> for KeyRef<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

/// Comparisons with bytes and with text, of what has `as_bytes`.
macro_rules! compare_with {
    ($name:ty) => {
        impl PartialEq<[u8]> for $name {
            fn eq(&self, other: &[u8]) -> bool {
                self.as_bytes() == other
            }
        }

        impl PartialEq<&[u8]> for $name {
            fn eq(&self, other: &&[u8]) -> bool {
                self.as_bytes() == *other
            }
        }

        impl<const N: usize> PartialEq<[u8; N]> for $name {
            fn eq(&self, other: &[u8; N]) -> bool {
                self.as_bytes() == other
            }
        }

        impl<const N: usize> PartialEq<&[u8; N]> for $name {
            fn eq(&self, other: &&[u8; N]) -> bool {
                self.as_bytes() == *other
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }
    };
}

compare_with!(Value);
compare_with!(KeyRef<'_>);
