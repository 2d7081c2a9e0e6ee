//! Concurrent reads of the content.

use std::fmt;
use std::sync::Arc;

use rmap_proto::Revision;

use super::table::{Table, shard_of};
use super::{Content, Shared, View};
use crate::Value;
use crate::progress::Progress;

/// Reads a replica's content from any thread while the replica changes it.
///
/// Every single read sees the latest content. Use one [`View`] for several reads that must agree with each other.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Content {
    pub(crate) fn reader(&self) -> Reader {
        Reader { shared: Arc::clone(&self.shared) }
    }
}

impl Reader {
    /// The value of a key. The clone shares the stored bytes.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        let hash = self.shared.hasher.hash(key);
        self.shared.read(shard_of(hash)).get(hash, key).cloned()
    }

    /// Calls `read` with the value of a key, without a clone.
    ///
    /// A part of the map is locked meanwhile. `read` should be short, and it must not call the map that it reads from:
    /// it could wait for itself forever.
    #[inline]
    pub fn with<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let hash = self.shared.hasher.hash(key);
        self.shared.read(shard_of(hash)).get(hash, key).map(|value| read(value.as_bytes()))
    }

    /// True when the key has a value.
    #[must_use]
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        let hash = self.shared.hasher.hash(key);
        self.shared.read(shard_of(hash)).get(hash, key).is_some()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.read_all().iter().map(|shard| shard.len()).sum()
    }

    /// The number of bytes of all keys and values. What the table and each entry need beside them does not count.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.read_all().iter().map(|shard| shard.bytes()).sum()
    }

    /// True when there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The revision of the content, or `None` when the server has no hash for the map.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.progress().revision()
    }

    /// The current progress, for waits.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.shared.progress()
    }

    /// An immutable, consistent view of the whole content.
    ///
    /// Creating a view costs one reference per shard, not a copy. While the view is alive, the writer copies each shard
    /// once before it changes the shard.
    #[must_use]
    pub fn view(&self) -> View {
        let guards = self.shared.read_all();
        let shards = guards.iter().map(|shard| Arc::clone(shard)).collect();
        let revision = self.shared.progress().revision();
        View::new(Table { shards, hasher: self.shared.hasher.clone() }, revision)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
