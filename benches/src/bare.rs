//! The floor: a bare hash table with the replica's hash function, for one thread, without a lock.

use bytes::Bytes;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::{HashMap, HashSet};

use crate::data::{self, Shared};
use crate::entry::Entry;

/// The hash function of the replica's content, with a seed of its own.
pub type Hasher = SeedableRandomState;

/// A table of keys and values, each with memory of its own: what a program without rmap would use.
pub type Table = HashMap<Shared, Shared, Hasher>;

/// A table whose values are what the network library hands out.
pub type BytesTable = HashMap<Shared, Bytes, Hasher>;

/// A table of entries that hold key and value together, as the replica does.
pub type EntryTable = HashSet<Entry, Hasher>;

/// The hash function.
#[must_use]
pub fn hasher() -> Hasher {
    SeedableRandomState::with_seed(1, SharedSeed::global_fixed())
}

/// A table with so many entries.
#[must_use]
pub fn table(entries: u64) -> Table {
    let mut table = HashMap::with_hasher(hasher());
    table.extend(data::entries(entries));
    table
}

/// A table with so many entries.
#[must_use]
pub fn bytes_table(entries: u64) -> BytesTable {
    let shared = |number| {
        let value = Bytes::from(data::value(number).to_vec());
        // The first clone makes room for the reference count, and is not what is to be measured.
        drop(value.clone());
        value
    };
    let mut table = HashMap::with_hasher(hasher());
    table.extend((0..entries).map(|number| (Shared::from(data::key(number)), shared(number))));
    table
}

/// A table with so many entries.
#[must_use]
pub fn entry_table(entries: u64) -> EntryTable {
    let mut table = HashSet::with_hasher(hasher());
    table.extend((0..entries).map(Entry::numbered));
    table
}
