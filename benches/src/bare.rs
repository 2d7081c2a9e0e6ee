//! The floor: a bare hash table with the replica's hash function, for one thread, without a lock.

use bytes::Bytes;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::{HashMap, HashSet};

use crate::data::{self, Shared};
use crate::entry::Entry;

/// The hash function of the replica's content, with its own seed.
pub type Hasher = SeedableRandomState;

/// A table with separate memory for each key and value, as a program without rmap would use.
pub type Table = HashMap<Shared, Shared, Hasher>;

/// A table whose values are the network library's buffers.
pub type BytesTable = HashMap<Shared, Bytes, Hasher>;

/// A table of entries that hold key and value together, as the replica does.
pub type EntryTable = HashSet<Entry, Hasher>;

/// The hash function.
#[must_use]
pub fn hasher() -> Hasher {
    SeedableRandomState::with_seed(1, SharedSeed::global_fixed())
}

/// A table with this number of entries.
#[must_use]
pub fn table(entries: u64) -> Table {
    let mut table = HashMap::with_hasher(hasher());
    table.extend(data::entries(entries));
    table
}

/// A table with this number of entries.
#[must_use]
pub fn bytes_table(entries: u64) -> BytesTable {
    let shared = |number| {
        let value = Bytes::from(data::value(number).to_vec());
        // The first clone allocates the reference count, which must not be part of the measurement.
        drop(value.clone());
        value
    };
    let mut table = HashMap::with_hasher(hasher());
    table.extend((0..entries).map(|number| (Shared::from(data::key(number)), shared(number))));
    table
}

/// A table with this number of entries.
#[must_use]
pub fn entry_table(entries: u64) -> EntryTable {
    let mut table = HashSet::with_hasher(hasher());
    table.extend((0..entries).map(Entry::numbered));
    table
}
