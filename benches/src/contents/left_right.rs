//! Two tables: readers see one while the writer changes the other, and then they swap.

use std::fmt;

use ::left_right::{Absorb, ReadHandle, WriteHandle};
use rmap_core::Value;

use super::{Content, ContentReader, decode_set};
use crate::bare::{self, Table};

/// The crate `left-right` over two hash tables. It shows changes when told to publish them, not one by one.
pub struct LeftRight(WriteHandle<Side, Set>);

impl fmt::Debug for LeftRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeftRight").finish_non_exhaustive()
    }
}

/// Its reading end.
#[derive(Debug)]
pub struct LeftRightReader(ReadHandle<Side>);

/// One of the two tables.
#[derive(Debug, Clone)]
struct Side(Table);

impl Default for Side {
    fn default() -> Self {
        Self(bare::table(0))
    }
}

#[derive(Debug)]
enum Set {
    One(Value, Value),
    Fill(u64),
}

impl Absorb<Set> for Side {
    fn absorb_first(&mut self, set: &mut Set, _: &Self) {
        match set {
            Set::One(key, value) => {
                self.0.insert(key.clone(), value.clone());
            }
            Set::Fill(entries) => self.0 = bare::table(*entries),
        }
    }

    fn sync_with(&mut self, first: &Self) {
        self.0.clone_from(&first.0);
    }
}

impl Content for LeftRight {
    type Reader = LeftRightReader;

    const NAME: &'static str = "left-right";

    fn filled(entries: u64) -> Self {
        let (mut writer, _) = ::left_right::new::<Side, Set>();
        // The first publish copies the filled side, so the two share keys and values.
        writer.append(Set::Fill(entries));
        writer.publish();
        writer.publish();
        Self(writer)
    }

    fn reader(&self) -> LeftRightReader {
        LeftRightReader((*self.0).clone())
    }

    fn apply(&mut self, payload: &[u8]) {
        let (key, value) = decode_set(payload);
        self.0.append(Set::One(key.into(), value));
    }

    fn publish(&mut self) {
        self.0.publish();
    }
}

impl ContentReader for LeftRightReader {
    type View = Table;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.0.enter().and_then(|side| side.0.get(key).map(Value::len)).unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let value = self.0.enter().and_then(|side| side.0.get(key).cloned());
        value.map(|value| value.len()).unwrap_or_default()
    }

    /// A copy of the table; the writer cannot publish meanwhile.
    fn view(&self) -> Option<Table> {
        Some(self.0.enter()?.0.clone())
    }
}
