//! Key and value in one allocation, for candidates and floors that store entries as the replica does.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use triomphe::ThinArc;

use crate::data::{self, KEY_BYTES, VALUE_BYTES};

/// An entry. Entries with equal keys are equal.
#[derive(Debug, Clone)]
pub struct Entry(ThinArc<usize, u8>);

impl Entry {
    /// An entry with a key and a value of the standard sizes.
    ///
    /// # Panics
    ///
    /// When the key or the value has another size.
    #[must_use]
    pub fn new(key: &[u8], value: &[u8]) -> Self {
        let mut bytes = [0; KEY_BYTES + VALUE_BYTES];
        bytes[..KEY_BYTES].copy_from_slice(key);
        bytes[KEY_BYTES..].copy_from_slice(value);
        Self(ThinArc::from_header_and_slice(KEY_BYTES, &bytes))
    }

    /// The entry with this number.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        Self::new(&data::key(number), &data::value(number))
    }

    /// Bytes of key and value.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.slice.len() as u64
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.slice.split_at(self.0.header.header).0
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.0.slice.split_at(self.0.header.header).1
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Borrow<[u8]> for Entry {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}
