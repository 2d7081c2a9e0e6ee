//! The fields of a hash, in an order that lets a plain number serve as the cursor of a scan.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;

/// Fields and values, ordered by a fixed 64-bit hash of the field.
///
/// A scan visits the hashes from 0 upwards. It therefore returns every field that exists throughout the scan, whatever
/// happens to other fields. The cursor is the hash with its bits reversed, as in Redis.
///
/// The `Debug` form shows the number of fields and bytes.
#[derive(Clone, Default)]
pub(super) struct Fields(BTreeMap<(u64, Bytes), Bytes>);

impl Fields {
    pub(super) fn get(&self, field: &[u8]) -> Option<&Bytes> {
        self.0.get(&place(Bytes::copy_from_slice(field)))
    }

    pub(super) fn insert(&mut self, field: Bytes, value: Bytes) {
        self.0.insert(place(field), value);
    }

    /// Returns true if the field existed.
    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        self.0.remove(&place(Bytes::copy_from_slice(field))).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|((_, field), value)| (field, value))
    }

    /// About `count` fields from a cursor on, at least one if any is left. Also returns the next cursor, 0 at the end.
    pub(super) fn page(&self, cursor: u64, count: u64) -> (u64, Vec<(&Bytes, &Bytes)>) {
        let mut page = Vec::new();
        let mut last = None;
        for ((hash, field), value) in self.0.range((cursor.reverse_bits(), Bytes::new())..) {
            // Fields with the same hash share a cursor, so a page must not separate them.
            if page.len() as u64 >= count.max(1) && last.is_some_and(|last| last != *hash) {
                return (hash.reverse_bits(), page);
            }
            page.push((field, value));
            last = Some(*hash);
        }
        (0, page)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: usize = self.iter().map(|(field, value)| field.len() + value.len()).sum();
        write!(f, "{} fields of {bytes} bytes", self.len())
    }
}

fn place(field: Bytes) -> (u64, Bytes) {
    let mut hasher = DefaultHasher::new();
    hasher.write(&field);
    (hasher.finish(), field)
}
