//! A concurrent hash table without locks. It cannot show a consistent state of the whole.

use std::sync::Arc;

use rmap_core::Value;

use super::{Content, ContentReader, decode_set};
use crate::bare::{self, Hasher};
use crate::data;

type Table = papaya::HashMap<Value, Value, Hasher>;

/// The crate `papaya`.
#[derive(Debug)]
pub struct LockFree(Arc<Table>);

/// Shares the table.
#[derive(Debug)]
pub struct LockFreeReader(Arc<Table>);

impl Content for LockFree {
    type Reader = LockFreeReader;

    const NAME: &'static str = "papaya";

    fn filled(entries: u64) -> Self {
        let table = Table::with_hasher(bare::hasher());
        let pinned = table.pin();
        for (key, value) in data::entries(entries) {
            pinned.insert(key, value);
        }
        drop(pinned);
        Self(Arc::new(table))
    }

    fn reader(&self) -> LockFreeReader {
        LockFreeReader(Arc::clone(&self.0))
    }

    fn apply(&mut self, payload: &[u8]) {
        let (key, value) = decode_set(payload);
        self.0.pin().insert(key.into(), value);
    }
}

impl ContentReader for LockFreeReader {
    type View = ();

    fn borrowed(&self, key: &[u8]) -> usize {
        self.0.pin().get(key).map(Value::len).unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let value = self.0.pin().get(key).cloned();
        value.map(|value| value.len()).unwrap_or_default()
    }

    fn view(&self) -> Option<()> {
        None
    }
}
