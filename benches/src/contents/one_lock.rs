//! The floor of simplicity: one lock over one table.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rmap_core::Value;

use super::{Content, ContentReader, decode_set};
use crate::bare::{self, Table};

/// `RwLock<HashMap>`.
#[derive(Debug)]
pub struct OneLock(Arc<RwLock<Table>>);

/// Shares the lock.
#[derive(Debug)]
pub struct OneLockReader(Arc<RwLock<Table>>);

impl Content for OneLock {
    type Reader = OneLockReader;

    const NAME: &'static str = "one RwLock";

    fn filled(entries: u64) -> Self {
        Self(Arc::new(RwLock::new(bare::table(entries))))
    }

    fn reader(&self) -> OneLockReader {
        OneLockReader(Arc::clone(&self.0))
    }

    fn apply(&mut self, payload: &[u8]) {
        let (key, value) = decode_set(payload);
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = table.get_mut(key) {
            *old = value;
        } else {
            table.insert(key.into(), value);
        }
    }
}

impl OneLockReader {
    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ContentReader for OneLockReader {
    type View = Table;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.table().get(key).map(Value::len).unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let value = self.table().get(key).cloned();
        value.map(|value| value.len()).unwrap_or_default()
    }

    /// A copy of the table; the writer waits for it.
    fn view(&self) -> Option<Table> {
        Some(self.table().clone())
    }
}
