//! The places of streams in a log, and the items of a log.

use std::collections::BTreeMap;

use rmap_core::{Change, Value};
use rmap_proto::Key;

/// Memory of a change besides its key and values.
const CHANGE_BYTES: usize = 128;

/// The number of the next change of a stream, or of one before it that is forgotten.
pub(super) type Place = u64;

pub(super) type Places = BTreeMap<Place, usize>;

/// An item of a log: something that happened to one key.
pub(crate) trait Item: Clone + Send + 'static {
    fn key(&self) -> &Key;

    /// Approximate memory of the item.
    fn weight(&self) -> usize;

    /// Folds an earlier item of the same key into this one. False when both cancel out.
    fn fold(&mut self, earlier: Self) -> bool;
}

impl Item for Change {
    fn key(&self) -> &Key {
        &self.key
    }

    fn weight(&self) -> usize {
        let length = |value: &Option<Value>| value.as_ref().map_or(0, Value::len);
        CHANGE_BYTES + self.key.len() + length(&self.old) + length(&self.new)
    }

    fn fold(&mut self, earlier: Self) -> bool {
        self.old = earlier.old;
        self.old != self.new
    }
}
