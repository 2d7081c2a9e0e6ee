//! A table of entries in shards. The writer copies a shard only if it changes the shard while a view shares it.

use std::hash::BuildHasher;
use std::iter::FlatMap;
use std::slice;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, Entry as Slot};

use crate::Value;

/// Number of shards, a power of two. With 64, a reader rarely meets the writer, and a view costs microseconds. Tests of
/// interleavings use few, because each lock multiplies the number of orders.
pub(super) const SHARDS: usize = if cfg!(all(test, shuttle)) { 4 } else { 64 };

/// Largest number of entries for which room is reserved in advance: about 19 MB of empty slots.
const MOST_ROOM: u64 = 1 << 20;

/// The seeded hash function of keys. Peers choose keys, so they must not know the seed.
#[derive(Debug, Clone)]
pub(crate) struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()))
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}

/// The shard of a hash. The hash table inside a shard uses the lowest and the highest bits, so this takes bits between
/// them.
pub(super) const fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize & (SHARDS - 1)
}

/// The entries whose hashes fall into one shard. A value carries its key.
#[derive(Debug, Clone, Default)]
pub(super) struct Shard {
    values: HashTable<Value>,
    /// Bytes of all keys and values. Every change of an entry has both lengths at hand.
    bytes: u64,
}

impl Shard {
    #[inline]
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<&Value> {
        self.values.find(hash, |value| value.key() == key)
    }

    /// The likely entry of this hash, found without comparing keys.
    #[inline]
    pub(super) fn candidate(&self, hash: u64) -> Option<&Value> {
        self.values.find(hash, |_| true)
    }

    /// Stores a value, which carries its key. Returns the previous value.
    pub(super) fn set(&mut self, hasher: &KeyHasher, hash: u64, value: Value) -> Option<Value> {
        self.bytes += value.stored_bytes();
        let slot =
            self.values.entry(hash, |stored| stored.key() == value.key(), |stored| hasher.hash(stored.key()));
        match slot {
            Slot::Occupied(mut occupied) => {
                let previous = std::mem::replace(occupied.get_mut(), value);
                self.bytes -= previous.stored_bytes();
                Some(previous)
            }
            Slot::Vacant(vacant) => {
                vacant.insert(value);
                None
            }
        }
    }

    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Value> {
        let occupied = self.values.find_entry(hash, |value| value.key() == key).ok()?;
        let removed = occupied.remove().0;
        self.bytes -= removed.stored_bytes();
        Some(removed)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn iter(&self) -> hash_table::Iter<'_, Value> {
        self.values.iter()
    }
}

/// A whole content that nobody shares yet, or that never changes again.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(super) shards: Vec<Arc<Shard>>,
    pub(crate) hasher: KeyHasher,
}

impl Table {
    pub(crate) fn new(hasher: KeyHasher) -> Self {
        Self { shards: (0..SHARDS).map(|_| Arc::default()).collect(), hasher }
    }

    /// An empty table with room for about `entries` entries, so that it need not grow step by step. The number comes
    /// from a peer, so it is capped.
    pub(crate) fn with_room(hasher: KeyHasher, entries: u64) -> Self {
        let entries = usize::try_from(entries.min(MOST_ROOM)).unwrap_or_default();
        // The hash fills shards unevenly, so each gets one eighth more.
        let room = entries / SHARDS + entries / SHARDS / 8;
        let shard = || Arc::new(Shard { values: HashTable::with_capacity(room), bytes: 0 });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), hasher }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        let hash = self.hasher.hash(key);
        self.shards[shard_of(hash)].get(hash, key)
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8]) {
        self.put(Value::stored(key, value));
    }

    /// Stores a value, which carries its key.
    pub(crate) fn put(&mut self, value: Value) {
        let hash = self.hasher.hash(value.key());
        Arc::make_mut(&mut self.shards[shard_of(hash)]).set(&self.hasher, hash, value);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let hash = self.hasher.hash(key);
        Arc::make_mut(&mut self.shards[shard_of(hash)]).remove(hash, key);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    pub(super) fn iter(&self) -> TableIter<'_> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }
}

/// All values of a table, shard by shard.
pub(super) type TableIter<'a> = FlatMap<
    slice::Iter<'a, Arc<Shard>>,
    hash_table::Iter<'a, Value>,
    fn(&'a Arc<Shard>) -> hash_table::Iter<'a, Value>,
>;
