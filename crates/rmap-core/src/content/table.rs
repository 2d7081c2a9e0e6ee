//! A table of entries in shards, each of which is copied only when it is changed while somebody else holds it.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use crate::Value;

/// A power of two: enough that a reader rarely meets the writer, few enough that a view costs microseconds.
pub(super) const SHARDS: usize = 64;

/// Entries for which room is made in advance at most: about 50 MB of empty places.
const MOST_ROOM: u64 = 1 << 20;

/// One stored entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Value,
    pub(super) value: Value,
}

/// The seeded hash of keys: peers may choose keys, so the seed must not be known to them.
#[derive(Debug, Clone)]
pub(crate) struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()))
    }

    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}

/// The shard that a hash belongs to. The table inside the shard uses the lowest and the highest bits.
pub(super) const fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize & (SHARDS - 1)
}

/// The entries whose hashes fall into one shard.
#[derive(Debug, Clone, Default)]
pub(super) struct Shard(HashTable<Entry>);

impl Shard {
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<&Entry> {
        self.0.find(hash, |entry| entry.key.as_bytes() == key)
    }

    /// Stores a value; returns the stored key and the value before.
    pub(super) fn set(
        &mut self,
        hasher: &KeyHasher,
        hash: u64,
        key: &[u8],
        value: Value,
    ) -> (&Value, Option<Value>) {
        let slot = self.0.entry(
            hash,
            |entry| entry.key.as_bytes() == key,
            |entry| hasher.hash(entry.key.as_bytes()),
        );
        match slot {
            Slot::Occupied(occupied) => {
                let entry = occupied.into_mut();
                let old = std::mem::replace(&mut entry.value, value);
                (&entry.key, Some(old))
            }
            Slot::Vacant(vacant) => {
                let entry = vacant.insert(Entry { key: key.into(), value }).into_mut();
                (&entry.key, None)
            }
        }
    }

    pub(super) fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry> {
        let occupied = self.0.find_entry(hash, |entry| entry.key.as_bytes() == key).ok()?;
        Some(occupied.remove().0)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

/// A whole content that nobody shares yet, or that never changes again.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(super) shards: Vec<Arc<Shard>>,
    pub(super) hasher: KeyHasher,
}

impl Table {
    pub(crate) fn new(hasher: KeyHasher) -> Self {
        Self { shards: (0..SHARDS).map(|_| Arc::default()).collect(), hasher }
    }

    /// The same, with room for about so many entries, so that it need not grow step by step. The number is somebody else's,
    /// so it is believed within limits.
    pub(crate) fn with_room(hasher: KeyHasher, entries: u64) -> Self {
        let entries = usize::try_from(entries.min(MOST_ROOM)).unwrap_or_default();
        // Shards are not filled quite evenly.
        let room = entries / SHARDS + entries / SHARDS / 8;
        let shard = || Arc::new(Shard(HashTable::with_capacity(room)));
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), hasher }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(super) fn entry(&self, key: &[u8]) -> Option<&Entry> {
        let hash = self.hasher.hash(key);
        self.shards[shard_of(hash)].get(hash, key)
    }

    pub(crate) fn set(&mut self, key: &[u8], value: Value) {
        let hash = self.hasher.hash(key);
        Arc::make_mut(&mut self.shards[shard_of(hash)]).set(&self.hasher, hash, key, value);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        let hash = self.hasher.hash(key);
        Arc::make_mut(&mut self.shards[shard_of(hash)]).remove(hash, key);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    /// Tells every entry in which `after` differs from `self`: key, value here, value there.
    pub(crate) fn difference(
        &self,
        after: &Self,
        mut tell: impl FnMut(&Value, Option<&Value>, Option<&Value>),
    ) {
        for entry in self.iter() {
            match after.get(entry.key.as_bytes()) {
                Some(value) if *value == entry.value => {}
                new => tell(&entry.key, Some(&entry.value), new),
            }
        }
        for entry in after.iter() {
            if self.get(entry.key.as_bytes()).is_none() {
                tell(&entry.key, None, Some(&entry.value));
            }
        }
    }
}
