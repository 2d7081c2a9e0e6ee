//! The entries whose hashes fall into one shard.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rmap_core::Value;
use rmap_proto::Key;

use super::edit::{Edit, Effects, KeyHasher, To};
use crate::typed::change::{Decoded, Good};
use crate::typed::rejected::Rejected;

/// Longest key that lies in the table itself.
const INLINE: usize = 14;

/// A key. A short one lies in the table, so that a read follows no pointer to compare it.
#[derive(Debug, Clone)]
enum ShortKey {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Value),
}

impl ShortKey {
    fn new(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(key);
                Self::Inline { length, bytes }
            }
            (None, _) | (_, Err(_)) => Self::Shared(Value::from(key)),
        }
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Self::Shared(bytes) => bytes.as_bytes(),
        }
    }
}

/// 32 bytes that lie in one cache line.
#[derive(Debug)]
#[repr(align(32))]
struct Slot<T> {
    key: ShortKey,
    good: Good<T>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), good: self.good.clone() }
    }
}

#[derive(Debug)]
pub(in crate::typed) struct Shard<T> {
    good: HashTable<Slot<T>>,
    /// Few, or none.
    rejected: BTreeMap<Key, Rejected>,
}

impl<T> Default for Shard<T> {
    fn default() -> Self {
        Self { good: HashTable::new(), rejected: BTreeMap::new() }
    }
}

impl<T> Clone for Shard<T> {
    fn clone(&self) -> Self {
        Self { good: self.good.clone(), rejected: self.rejected.clone() }
    }
}

impl<T> Shard<T> {
    #[inline]
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<&Good<T>> {
        self.good.find(hash, |slot| slot.key.as_bytes() == key).map(|slot| &slot.good)
    }

    pub(super) fn len(&self) -> usize {
        self.good.len()
    }

    pub(in crate::typed) const fn rejected(&self) -> &BTreeMap<Key, Rejected> {
        &self.rejected
    }

    /// Keys and values, in no particular order.
    pub(in crate::typed) fn iter(&self) -> impl Iterator<Item = (&[u8], &Arc<T>)> {
        self.good.iter().map(|slot| (slot.key.as_bytes(), &slot.good.value))
    }

    pub(super) fn edit(&mut self, hasher: &KeyHasher, edit: Edit<T>, effects: &mut Effects<T>) {
        let Edit { key, revision, to } = edit;
        let hash = hasher.hash(key.as_bytes());
        match to {
            To::Good(good) => {
                self.rejected.remove(&key);
                let old = self.set(hasher, hash, &key, good.clone());
                effects.changes.push(Decoded { revision, key, old, new: Some(good) });
            }
            To::Gone => {
                self.rejected.remove(&key);
                let old = self.remove(hash, &key);
                if old.is_some() {
                    effects.changes.push(Decoded { revision, key, old, new: None });
                }
            }
            To::Rejected(why) => {
                let keeps = self.get(hash, key.as_bytes()).is_some();
                let rejected = Rejected::new(key.clone(), revision, why, keeps);
                effects.newly += usize::from(self.rejected.insert(key, rejected.clone()).is_none());
                effects.rejected.push(rejected);
            }
        }
    }

    fn set(&mut self, hasher: &KeyHasher, hash: u64, key: &Key, good: Good<T>) -> Option<Good<T>> {
        let key = key.as_bytes();
        let is_it = |slot: &Slot<T>| slot.key.as_bytes() == key;
        match self.good.entry(hash, is_it, |slot| hasher.hash(slot.key.as_bytes())) {
            Entry::Occupied(mut occupied) => Some(std::mem::replace(&mut occupied.get_mut().good, good)),
            Entry::Vacant(vacant) => {
                vacant.insert(Slot { key: ShortKey::new(key), good });
                None
            }
        }
    }

    fn remove(&mut self, hash: u64, key: &Key) -> Option<Good<T>> {
        let occupied = self.good.find_entry(hash, |slot| slot.key.as_bytes() == key.as_bytes()).ok()?;
        Some(occupied.remove().0.good)
    }
}
