//! A concurrent hash table without locks. It has no consistent view of the whole content.

use std::sync::Arc;

use super::{Content, ContentReader, decode_set};
use crate::bare::{self, Hasher};
use crate::data::{self, Shared, first_byte};

type Table = papaya::HashMap<Shared, Shared, Hasher>;

/// The crate `papaya`. It cannot replace a key, so key and value are separate.
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
        self.0.pin().insert(key.into(), value.into());
    }
}

impl ContentReader for LockFreeReader {
    type View = ();

    fn borrowed(&self, key: &[u8]) -> usize {
        self.0.pin().get(key).map_or(0, |value| first_byte(value))
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let value = self.0.pin().get(key).cloned();
        value.map_or(0, |value| first_byte(&value))
    }

    fn view(&self) -> Option<()> {
        None
    }
}
