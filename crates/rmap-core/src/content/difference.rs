//! The differences between an old and a new content, found shard by shard while the new content changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Content;
use super::table::{KeyHasher, SHARDS, Shard, Table, shard_of};
use crate::Value;

/// A comparison in progress. It frees each old shard after comparing it. It shares no shard of the new content, since
/// the writer would have to copy a shared shard.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The old shards. Both contents use the same hash function, so an entry lies in the same shard of both.
    before: Vec<Arc<Shard>>,
    /// Index of the first shard that is not compared yet.
    next: usize,
    /// Keys of later shards that were compared early, because they were about to change.
    ahead: BTreeSet<Box<[u8]>>,
}

impl Difference {
    pub(crate) fn new(before: Table) -> Self {
        Self { before: before.shards, next: 0, ahead: BTreeSet::new() }
    }

    /// Compares about `entries` entries, at least one shard. Calls `record` with each differing key, its old and its new
    /// value. Returns false at the end.
    pub(crate) fn advance(
        &mut self,
        after: &Content,
        entries: usize,
        mut record: impl FnMut(&[u8], Option<&Value>, Option<&Value>),
    ) -> bool {
        let mut seen = 0;
        while seen < entries && self.next < SHARDS {
            let old = std::mem::take(&mut self.before[self.next]);
            // Holding the lock delays nobody: only the writer waits for it, and the writer is this function's caller.
            let new = after.shared.read(self.next);
            self.next += 1;
            seen += old.len() + new.len();
            compare(&after.shared.hasher, &old, &new, |key, old, new| {
                if !self.ahead.contains(key) {
                    record(key, old, new);
                }
            });
        }
        self.next < SHARDS
    }

    /// Compares one key that is about to change, unless it was compared before.
    pub(crate) fn advance_key(
        &mut self,
        after: &Content,
        key: &[u8],
        record: impl FnOnce(&[u8], Option<&Value>, Option<&Value>),
    ) {
        let hash = after.shared.hasher.hash(key);
        let shard = shard_of(hash);
        if shard < self.next || !self.ahead.insert(key.into()) {
            return;
        }
        let new = after.shared.read(shard);
        let (old, new) = (self.before[shard].get(hash, key), new.get(hash, key));
        if old != new {
            record(key, old, new);
        }
    }
}

fn compare(
    hasher: &KeyHasher,
    before: &Shard,
    after: &Shard,
    mut record: impl FnMut(&[u8], Option<&Value>, Option<&Value>),
) {
    let mut kept = 0;
    for old in before.iter() {
        let new = after.get(hasher.hash(old.key()), old.key());
        kept += usize::from(new.is_some());
        if new != Some(old) {
            record(old.key(), Some(old), new);
        }
    }
    if kept == after.len() {
        return;
    }
    for new in after.iter() {
        if before.get(hasher.hash(new.key()), new.key()).is_none() {
            record(new.key(), None, Some(new));
        }
    }
}
