//! The floor of simplicity: one lock over one table.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::{Content, ContentReader, decode_entry};
use crate::bare::{self, EntryTable};
use crate::data::first_byte;

/// `RwLock<HashSet>`.
#[derive(Debug)]
pub struct OneLock(Arc<RwLock<EntryTable>>);

/// Shares the lock.
#[derive(Debug)]
pub struct OneLockReader(Arc<RwLock<EntryTable>>);

impl Content for OneLock {
    type Reader = OneLockReader;

    const NAME: &'static str = "one RwLock";

    fn filled(entries: u64) -> Self {
        Self(Arc::new(RwLock::new(bare::entry_table(entries))))
    }

    fn reader(&self) -> OneLockReader {
        OneLockReader(Arc::clone(&self.0))
    }

    fn apply(&mut self, payload: &[u8]) {
        let entry = decode_entry(payload);
        self.0.write().unwrap_or_else(PoisonError::into_inner).replace(entry);
    }
}

impl OneLockReader {
    fn table(&self) -> RwLockReadGuard<'_, EntryTable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ContentReader for OneLockReader {
    type View = EntryTable;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.table().get(key).map_or(0, |entry| first_byte(entry.value()))
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let entry = self.table().get(key).cloned();
        entry.map_or(0, |entry| first_byte(entry.value()))
    }

    /// A copy of the table. The writer waits for it.
    fn view(&self) -> Option<EntryTable> {
        Some(self.table().clone())
    }
}
