//! Old changes and their folding.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use rmap_proto::Key;

use super::place::{Item, Place, Places};

/// Most changes of a key that are examined when another comes in. A key has more changes only where streams stood in
/// between. Each call examines several and adds at most one, so they get fewer once the streams have moved on.
const STEPS: usize = 16;

/// A power of two. There are many small tables, because a table that grows moves all of its entries at once.
const TABLES: usize = 64;

/// Changes by number: one for each key, or several where a stream stands, or stood, in between.
#[derive(Debug)]
pub(super) struct Folded<C> {
    changes: BTreeMap<u64, Old<C>>,
    bytes: usize,
    latest: Latest,
}

#[derive(Debug)]
struct Old<C> {
    change: C,
    /// The number of the previous change of the same key, which may be forgotten.
    before: Option<u64>,
}

impl<C> Default for Folded<C> {
    fn default() -> Self {
        Self { changes: BTreeMap::new(), bytes: 0, latest: Latest::default() }
    }
}

impl<C: Item> Folded<C> {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first change with this number or a higher one.
    pub(super) fn at(&self, place: Place) -> Option<(u64, &C)> {
        self.changes.range(place..).next().map(|(number, old)| (*number, &old.change))
    }

    /// Takes the next change, and folds earlier ones of its key into it.
    pub(super) fn put(&mut self, number: u64, change: C, places: &Places) {
        self.bytes += change.weight();
        let before = self.latest.insert(change.key().clone(), number);
        self.changes.insert(number, Old { change, before });
        self.fold_from(number, places);
    }

    /// Forgets the oldest change if its number is below `end`. False when there is none.
    pub(super) fn forget_one(&mut self, end: Place) -> bool {
        let Some(first) = self.changes.first_entry().filter(|first| *first.key() < end) else { return false };
        let (number, Old { change, .. }) = first.remove_entry();
        self.bytes -= change.weight();
        if self.latest.get(change.key()) == Some(number) {
            self.latest.remove(change.key());
        }
        if self.changes.is_empty() {
            // An emptied map would keep its capacity.
            self.latest = Latest::default();
        }
        true
    }

    /// Folds the changes of a key backwards, from its last one.
    fn fold_from(&mut self, last: u64, places: &Places) {
        let (mut behind, mut later) = (None, last);
        for _ in 0..STEPS {
            let Some(earlier) = self.before(later) else { return };
            if places.range(earlier + 1..=later).next().is_some() {
                (behind, later) = (Some(later), earlier);
                continue;
            }
            if !self.fold(earlier, later) {
                let Some(before) = self.take_out(behind, later) else { return };
                later = before;
            }
        }
    }

    /// The previous change of the same key, if it is not forgotten.
    fn before(&self, number: u64) -> Option<u64> {
        self.changes.get(&number)?.before.filter(|before| self.changes.contains_key(before))
    }

    /// Folds a change into a later one of its key. False when both cancel out: the key has its old value again.
    fn fold(&mut self, earlier: u64, later: u64) -> bool {
        let Some(Old { change, before }) = self.changes.remove(&earlier) else { return true };
        self.bytes -= change.weight();
        let Some(folded) = self.changes.get_mut(&later) else { return true };
        self.bytes -= folded.change.weight();
        folded.before = before;
        let is_change = folded.change.fold(change);
        self.bytes += folded.change.weight();
        is_change
    }

    /// Removes a change that changes nothing; `behind` is the next one of its key. Returns the number of the previous
    /// one.
    fn take_out(&mut self, behind: Option<u64>, number: u64) -> Option<u64> {
        let before = self.before(number);
        let Old { change, .. } = self.changes.remove(&number)?;
        self.bytes -= change.weight();
        match (behind.and_then(|behind| self.changes.get_mut(&behind)), before) {
            (Some(behind), _) => behind.before = before,
            (None, Some(before)) => drop(self.latest.insert(change.key().clone(), before)),
            (None, None) => self.latest.remove(change.key()),
        }
        before
    }
}

/// The number of the latest change of each key.
#[derive(Debug, Default)]
struct Latest {
    /// Empty before the first key.
    tables: Vec<HashMap<Key, u64>>,
    hasher: RandomState,
}

impl Latest {
    fn place(&self, key: &Key) -> usize {
        self.hasher.hash_one(key) as usize % TABLES
    }

    fn get(&self, key: &Key) -> Option<u64> {
        self.tables.get(self.place(key))?.get(key).copied()
    }

    /// Returns the previous number.
    fn insert(&mut self, key: Key, number: u64) -> Option<u64> {
        self.tables.resize_with(TABLES, HashMap::new);
        let place = self.place(&key);
        self.tables[place].insert(key, number)
    }

    fn remove(&mut self, key: &Key) {
        let place = self.place(key);
        if let Some(table) = self.tables.get_mut(place) {
            table.remove(key);
        }
    }
}

#[cfg(test)]
impl<C: Item> Folded<C> {
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn keys(&self) -> usize {
        self.latest.tables.iter().map(HashMap::len).sum()
    }

    /// The sum of the weights, computed afresh.
    pub(super) fn weigh(&self) -> usize {
        self.changes.values().map(|old| old.change.weight()).sum()
    }
}
