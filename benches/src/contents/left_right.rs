//! Two tables: readers see one while the writer changes the other, and then they swap.

use std::fmt;

use super::{Content, ContentReader, decode_entry};
use crate::bare::{self, EntryTable};
use crate::data::first_byte;
use crate::entry::Entry;
use ::left_right::{Absorb, ReadHandle, WriteHandle};

/// The crate `left-right` over two hash tables. It shows changes in groups, when its writer publishes them.
pub struct LeftRight(WriteHandle<Side, Set>);

impl fmt::Debug for LeftRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeftRight").finish_non_exhaustive()
    }
}

/// The reading end.
#[derive(Debug)]
pub struct LeftRightReader(ReadHandle<Side>);

/// One of the two tables.
#[derive(Debug, Clone)]
struct Side(EntryTable);

impl Default for Side {
    fn default() -> Self {
        Self(bare::entry_table(0))
    }
}

#[derive(Debug)]
enum Set {
    One(Entry),
    Fill(u64),
}

impl Absorb<Set> for Side {
    fn absorb_first(&mut self, set: &mut Set, _: &Self) {
        match set {
            Set::One(entry) => {
                self.0.replace(entry.clone());
            }
            Set::Fill(entries) => self.0 = bare::entry_table(*entries),
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
        // The first publish copies the filled side, so both sides share keys and values.
        writer.append(Set::Fill(entries));
        writer.publish();
        writer.publish();
        Self(writer)
    }

    fn reader(&self) -> LeftRightReader {
        LeftRightReader((*self.0).clone())
    }

    fn apply(&mut self, payload: &[u8]) {
        self.0.append(Set::One(decode_entry(payload)));
    }

    fn publish(&mut self) {
        self.0.publish();
    }
}

impl ContentReader for LeftRightReader {
    type View = EntryTable;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.0
            .enter()
            .and_then(|side| side.0.get(key).map(|entry| first_byte(entry.value())))
            .unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        let entry = self.0.enter().and_then(|side| side.0.get(key).cloned());
        entry.map_or(0, |entry| first_byte(entry.value()))
    }

    /// A copy of the table. The writer cannot publish meanwhile.
    fn view(&self) -> Option<EntryTable> {
        Some(self.0.enter()?.0.clone())
    }
}
