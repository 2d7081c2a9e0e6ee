//! Decoded values in shards, built as the content of bytes in the core is: one writer, any number of readers, views that share
//! the shards.

mod edit;
mod shard;

use std::sync::{Arc, PoisonError};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard};
use rmap_proto::Key;

use self::edit::KeyHasher;
pub(super) use self::edit::{Edit, Effects, To};
pub(super) use self::shard::Shard;
use super::change::Good;
use super::rejected::Rejected;
use crate::changes::Mark;
use crate::sync::{Mutex, lock};

/// A power of two. With 64 a reader rarely meets the writer.
const SHARDS: usize = 64;

/// The hash table inside a shard uses the lowest and the highest bits of a hash, so this takes bits between them.
pub(super) const fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize & (SHARDS - 1)
}

/// The shards of one moment.
#[derive(Debug)]
pub(super) struct Shards<T> {
    pub(super) shards: Box<[Arc<Shard<T>>]>,
    pub(super) hasher: KeyHasher,
}

#[derive(Debug)]
pub(super) struct Table<T> {
    shards: Box<[ShardedLock<Arc<Shard<T>>>]>,
    hasher: KeyHasher,
    /// Changes only under the write locks of what changes with it, so that a view finds entries and mark in step. `None` before
    /// the first content is there.
    mark: Mutex<Option<Mark>>,
}

impl<T> Table<T> {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| ShardedLock::new(Arc::default())).collect();
        Self { shards, hasher: KeyHasher::new(), mark: Mutex::default() }
    }

    #[inline]
    fn read(&self, shard: usize) -> ShardedLockReadGuard<'_, Arc<Shard<T>>> {
        self.shards[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<Arc<T>> {
        let hash = self.hasher.hash(key);
        self.read(shard_of(hash)).get(hash, key).map(|good| Arc::clone(&good.value))
    }

    pub(super) fn good(&self, key: &[u8]) -> Option<Good<T>> {
        let hash = self.hasher.hash(key);
        self.read(shard_of(hash)).get(hash, key).cloned()
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        let hash = self.hasher.hash(key);
        self.read(shard_of(hash)).get(hash, key).is_some()
    }

    /// The keys with a value.
    pub(super) fn keys(&self) -> Vec<Key> {
        let shards = self.shards().0.shards;
        shards.iter().flat_map(|shard| shard.iter()).map(|(key, _)| Key::stored(key)).collect()
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        *lock(&self.mark)
    }

    /// The entries of one moment, and their mark.
    pub(super) fn shards(&self) -> (Shards<T>, Option<Mark>) {
        // All locks in ascending order, as everybody who takes several: no two can wait for each other.
        let guards: Vec<_> = (0..SHARDS).map(|shard| self.read(shard)).collect();
        let shards = guards.iter().map(|shard| Arc::clone(shard)).collect();
        (Shards { shards, hasher: self.hasher.clone() }, self.mark())
    }

    /// The number of rejected keys.
    pub(super) fn rejected(&self) -> usize {
        (0..SHARDS).map(|shard| self.read(shard).rejected().len()).sum()
    }

    /// The number of keys with a value.
    pub(super) fn len(&self) -> usize {
        let guards: Vec<_> = (0..SHARDS).map(|shard| self.read(shard)).collect();
        guards.iter().map(|shard| shard.len()).sum()
    }

    /// Makes all edits, for readers at once.
    pub(super) fn apply(&self, edits: Vec<Edit<T>>, mark: Mark, effects: &mut Effects<T>) {
        let hash = |edit: &Edit<T>| self.hasher.hash(edit.key.as_bytes());
        let write = |shard: usize| self.shards[shard].write().unwrap_or_else(PoisonError::into_inner);
        if edits.is_empty() {
            *lock(&self.mark) = Some(mark);
            return;
        }
        if let [edit] = &*edits {
            let mut shard = write(shard_of(hash(edit)));
            for edit in edits {
                Arc::make_mut(&mut shard).edit(&self.hasher, edit, effects);
            }
            *lock(&self.mark) = Some(mark);
            return;
        }
        let mut guards: Vec<_> = (0..SHARDS).map(write).collect();
        for edit in edits {
            Arc::make_mut(&mut guards[shard_of(hash(&edit))]).edit(&self.hasher, edit, effects);
        }
        *lock(&self.mark) = Some(mark);
    }

    /// Puts other shards in the place of all, for readers at once. Returns what was there.
    pub(super) fn replace(&self, shards: Shards<T>, mark: Mark) -> Vec<Arc<Shard<T>>> {
        let mut guards: Vec<_> =
            self.shards.iter().map(|shard| shard.write().unwrap_or_else(PoisonError::into_inner)).collect();
        let before = guards
            .iter_mut()
            .zip(shards.shards)
            .map(|(guard, shard)| std::mem::replace(&mut **guard, shard))
            .collect();
        *lock(&self.mark) = Some(mark);
        before
    }
}

impl<T> Shards<T> {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Arc<T>> {
        let hash = self.hasher.hash(key);
        self.shards[shard_of(hash)].get(hash, key).map(|good| &good.value)
    }

    pub(super) fn rejected(&self, key: &[u8]) -> Option<&Rejected> {
        self.shards[shard_of(self.hasher.hash(key))].rejected().get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Makes one edit in shards that no reader sees yet.
    pub(super) fn edit(&mut self, edit: Edit<T>, effects: &mut Effects<T>) {
        let shard = shard_of(self.hasher.hash(edit.key.as_bytes()));
        Arc::make_mut(&mut self.shards[shard]).edit(&self.hasher, edit, effects);
    }
}
