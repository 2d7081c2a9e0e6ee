//! What differs between a content and the one whose place it took, found shard by shard while it goes on changing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Content;
use super::table::{KeyHasher, SHARDS, Shard, Table, shard_of};
use crate::Value;

/// A comparison that is under way. It frees what it is through with, and shares nothing with the content, whose writer
/// would have to copy it.
#[derive(Debug)]
pub(crate) struct Difference {
    /// An entry lies in the same shard of both contents, since both are made with the same hash function.
    before: Vec<Arc<Shard>>,
    /// The first shard that is not compared yet.
    next: usize,
    /// Keys of such shards that are through, since they were about to change.
    ahead: BTreeSet<Box<[u8]>>,
}

impl Difference {
    pub(crate) fn new(before: Table) -> Self {
        Self { before: before.shards, next: 0, ahead: BTreeSet::new() }
    }

    /// Goes on through about so many entries, at least one shard, and tells each that differs: key, value before, value
    /// now. False at the end.
    pub(crate) fn advance(
        &mut self,
        after: &Content,
        entries: usize,
        mut tell: impl FnMut(&[u8], Option<&Value>, Option<&Value>),
    ) -> bool {
        let mut seen = 0;
        while seen < entries && self.next < SHARDS {
            let old = std::mem::take(&mut self.before[self.next]);
            // Nobody but the writer, which is here, would wait for it.
            let new = after.shared.read(self.next);
            self.next += 1;
            seen += old.len() + new.len();
            compare(&after.shared.hasher, &old, &new, |key, old, new| {
                if !self.ahead.contains(key) {
                    tell(key, old, new);
                }
            });
        }
        self.next < SHARDS
    }

    /// Tells the difference of a key that is about to change, if it is not told yet.
    pub(crate) fn advance_key(
        &mut self,
        after: &Content,
        key: &[u8],
        tell: impl FnOnce(&[u8], Option<&Value>, Option<&Value>),
    ) {
        let hash = after.shared.hasher.hash(key);
        let shard = shard_of(hash);
        if shard < self.next || !self.ahead.insert(key.into()) {
            return;
        }
        let new = after.shared.read(shard);
        let (old, new) = (self.before[shard].get(hash, key), new.get(hash, key));
        if old != new {
            tell(key, old, new);
        }
    }
}

fn compare(
    hasher: &KeyHasher,
    before: &Shard,
    after: &Shard,
    mut tell: impl FnMut(&[u8], Option<&Value>, Option<&Value>),
) {
    let mut kept = 0;
    for old in before.iter() {
        let new = after.get(hasher.hash(old.key()), old.key());
        kept += usize::from(new.is_some());
        if new != Some(old) {
            tell(old.key(), Some(old), new);
        }
    }
    if kept == after.len() {
        return;
    }
    for new in after.iter() {
        if before.get(hasher.hash(new.key()), new.key()).is_none() {
            tell(new.key(), None, Some(new));
        }
    }
}
