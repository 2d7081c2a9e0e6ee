//! The replica's design with the simplest lock: all threads share one lock per shard.

use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use super::{Content, ContentReader, decode_entry};
use crate::bare::{self, Hasher};
use crate::data::first_byte;
use crate::entry::Entry;

/// The same number as in the replica.
const SHARDS: usize = 64;

type Table = Arc<HashTable<Entry>>;

/// 64 times `RwLock<Arc<HashTable>>`.
#[derive(Debug)]
pub struct Shards {
    shards: Arc<[RwLock<Table>]>,
    hasher: Hasher,
}

/// Shares the shards.
#[derive(Debug)]
pub struct ShardsReader {
    shards: Arc<[RwLock<Table>]>,
    hasher: Hasher,
}

const fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize & (SHARDS - 1)
}

impl Content for Shards {
    type Reader = ShardsReader;

    const NAME: &'static str = "64 RwLocks";

    fn filled(entries: u64) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        let content = Self { shards, hasher: bare::hasher() };
        (0..entries).for_each(|number| content.put(Entry::numbered(number)));
        content
    }

    fn reader(&self) -> ShardsReader {
        ShardsReader { shards: Arc::clone(&self.shards), hasher: self.hasher.clone() }
    }

    fn apply(&mut self, payload: &[u8]) {
        self.put(decode_entry(payload));
    }
}

impl Shards {
    fn put(&self, entry: Entry) {
        let hash = self.hasher.hash_one(entry.key());
        let mut shard = self.shards[shard_of(hash)].write().unwrap_or_else(PoisonError::into_inner);
        let (is_same, hash_of) =
            (|held: &Entry| *held == entry, |held: &Entry| self.hasher.hash_one(held.key()));
        match Arc::make_mut(&mut shard).entry(hash, is_same, hash_of) {
            Slot::Occupied(mut occupied) => *occupied.get_mut() = entry,
            Slot::Vacant(vacant) => {
                vacant.insert(entry);
            }
        }
    }
}

impl ShardsReader {
    fn read<T>(&self, key: &[u8], read: impl FnOnce(&Entry) -> T) -> Option<T> {
        let hash = self.hasher.hash_one(key);
        let shard = self.shards[shard_of(hash)].read().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, |entry| entry.key() == key).map(read)
    }
}

impl ContentReader for ShardsReader {
    type View = Vec<Table>;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.read(key, |entry| first_byte(entry.value())).unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        self.read(key, Entry::clone).map_or(0, |entry| first_byte(entry.value()))
    }

    fn view(&self) -> Option<Self::View> {
        let guards: Vec<_> =
            self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner)).collect();
        Some(guards.iter().map(|shard| Arc::clone(shard)).collect())
    }
}
