//! The content of a replica: one writer, any number of concurrent readers, and immutable views.
//!
//! The content is a sharded copy-on-write table. A read locks one shard for one lookup. A view shares the shards. The
//! writer edits a shard in place unless a view shares the shard, and then copies it first. Every function that takes
//! several locks takes them in ascending order, so that no two functions can deadlock.

mod difference;
#[cfg(all(test, shuttle))]
mod interleavings;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::hint::black_box;
use std::sync::{Arc, PoisonError};

use rmap_proto::Revision;

pub(crate) use difference::Difference;
pub use reader::Reader;
pub(crate) use table::{KeyHasher, Table};
pub use view::{View, ViewIter};

use crate::Value;
use crate::progress::Progress;
use crate::sync::{Mutex, MutexGuard, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use table::{SHARDS, Shard, shard_of};

/// For fewer keys the locks of a prefetch cost about as much as the prefetch saves.
const WORTH_PREFETCHING: usize = 16;

/// The part that the writer and the readers share.
#[derive(Debug)]
struct Shared {
    shards: Box<[ShardedLock<Arc<Shard>>]>,
    hasher: KeyHasher,
    /// Changes only under the write lock of a changed shard, so that a view finds entries and progress in step.
    progress: Mutex<Progress>,
}

impl Shared {
    // Lookups must inline into the crates that read. As calls they keep the processor from working on several lookups
    // at once.
    #[inline]
    fn read(&self, shard: usize) -> ShardedLockReadGuard<'_, Arc<Shard>> {
        self.shards[shard].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shard: usize) -> ShardedLockWriteGuard<'_, Arc<Shard>> {
        self.shards[shard].write().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks every shard for reading, in ascending order.
    fn read_all(&self) -> [ShardedLockReadGuard<'_, Arc<Shard>>; SHARDS] {
        std::array::from_fn(|shard| self.read(shard))
    }

    /// Locks every shard for writing, in ascending order.
    fn write_all(&self) -> [ShardedLockWriteGuard<'_, Arc<Shard>>; SHARDS] {
        std::array::from_fn(|shard| self.write(shard))
    }

    /// Changes the writer's progress and publishes it to waiters and views.
    fn change_progress(&self, progress: &mut Progress, change: impl FnOnce(&mut Progress)) {
        change(progress);
        *self.progress() = *progress;
    }
}

/// A change of one key.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    /// The new value, which carries its key.
    Set(Value),
    /// The key to delete.
    Delete(Box<[u8]>),
}

impl Edit {
    pub(crate) fn key(&self) -> &[u8] {
        match self {
            Self::Set(value) => value.key(),
            Self::Delete(key) => key,
        }
    }

    /// The new value, or `None` for a deletion.
    pub(crate) const fn value(&self) -> Option<&Value> {
        match self {
            Self::Set(value) => Some(value),
            Self::Delete(_) => None,
        }
    }
}

/// The only writing end of a content.
#[derive(Debug)]
pub(crate) struct Content {
    shared: Arc<Shared>,
    /// A copy of the shared progress that needs no lock.
    progress: Progress,
    /// Hashes of the last prefetch's keys, kept to reuse their memory.
    hashes: Vec<u64>,
}

impl Content {
    pub(crate) fn new(hasher: KeyHasher) -> Self {
        let shards = (0..SHARDS).map(|_| ShardedLock::default()).collect();
        let shared = Shared { shards, hasher, progress: Mutex::default() };
        Self { shared: Arc::new(shared), progress: Progress::default(), hashes: Vec::new() }
    }

    pub(crate) fn hasher(&self) -> KeyHasher {
        self.shared.hasher.clone()
    }

    pub(crate) const fn progress(&self) -> Progress {
        self.progress
    }

    /// True if this content and another one have a key in common. Fast if they share most keys.
    pub(crate) fn shares_a_key(&self, other: &Table) -> bool {
        (0..SHARDS).any(|shard| self.shared.read(shard).iter().any(|value| other.get(value.key()).is_some()))
    }

    /// Changes the progress while the entries stay as they are.
    pub(crate) fn update_progress(&mut self, change: impl FnOnce(&mut Progress)) {
        self.shared.change_progress(&mut self.progress, change);
    }

    /// Stores a value, which carries its key, and moves to `revision`. Returns the previous value.
    pub(crate) fn set(&mut self, revision: Revision, value: Value) -> Option<Value> {
        let hash = self.shared.hasher.hash(value.key());
        let mut shard = self.shared.write(shard_of(hash));
        let old = Arc::make_mut(&mut shard).set(&self.shared.hasher, hash, value);
        self.shared.change_progress(&mut self.progress, |progress| progress.advance(revision));
        old
    }

    /// Deletes one key and moves to `revision`. Returns the previous value.
    pub(crate) fn delete(&mut self, revision: Revision, key: &[u8]) -> Option<Value> {
        let hash = self.shared.hasher.hash(key);
        let mut shard = self.shared.write(shard_of(hash));
        let old = Arc::make_mut(&mut shard).remove(hash, key);
        self.shared.change_progress(&mut self.progress, |progress| progress.advance(revision));
        old
    }

    /// Makes the processor fetch the entries of these keys, in short loops whose fetches do not depend on each other.
    pub(crate) fn prefetch<'a>(&mut self, keys: impl Iterator<Item = &'a [u8]>) {
        if keys.size_hint().1.is_some_and(|most| most < WORTH_PREFETCHING) {
            return;
        }
        self.hashes.clear();
        self.hashes.extend(keys.map(|key| self.shared.hasher.hash(key)));
        let shards = self.shared.read_all();
        let candidates = || self.hashes.iter().filter_map(|&hash| shards[shard_of(hash)].candidate(hash));
        black_box(candidates().count());
        for value in candidates() {
            black_box(value.key().last());
        }
    }

    /// Applies several changes that readers see all at once, and moves to `revision`. Calls `record` with each change
    /// and its previous value.
    pub(crate) fn apply(
        &mut self,
        revision: Revision,
        edits: &[Edit],
        mut record: impl FnMut(&Edit, Option<Value>),
    ) {
        let mut shards = self.shared.write_all();
        for edit in edits {
            let hash = self.shared.hasher.hash(edit.key());
            let shard = Arc::make_mut(&mut shards[shard_of(hash)]);
            let old = match edit {
                Edit::Set(value) => shard.set(&self.shared.hasher, hash, value.clone()),
                Edit::Delete(key) => shard.remove(hash, key),
            };
            record(edit, old);
        }
        self.shared.change_progress(&mut self.progress, |progress| progress.advance(revision));
    }

    /// Replaces the entries for all readers at once, and returns the old table.
    pub(crate) fn replace(&mut self, table: Table, change: impl FnOnce(&mut Progress)) -> Table {
        let mut guards = self.shared.write_all();
        let mut before = table;
        for (guard, shard) in guards.iter_mut().zip(&mut before.shards) {
            std::mem::swap(&mut **guard, shard);
        }
        self.shared.change_progress(&mut self.progress, change);
        before
    }

    pub(crate) fn len(&self) -> usize {
        self.reader().len()
    }

    /// True if the key has exactly this value.
    pub(crate) fn holds(&self, key: &[u8], value: &[u8]) -> bool {
        let hash = self.hash(key);
        self.shared.read(shard_of(hash)).get(hash, key).is_some_and(|stored| stored.as_bytes() == value)
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        let hash = self.hash(key);
        self.shared.read(shard_of(hash)).get(hash, key).is_some()
    }

    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.shared.hasher.hash(key)
    }
}
