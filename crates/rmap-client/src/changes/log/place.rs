//! The places of streams in a log, and the weight of its changes.

use std::collections::BTreeMap;

use rmap_core::{Change, Value};

/// Memory of a change besides its key and values.
const CHANGE_BYTES: usize = 128;

/// The number of the next change of a stream, or of one before it that is forgotten.
pub(super) type Place = u64;

pub(super) type Places = BTreeMap<Place, usize>;

/// Approximate memory of a change.
pub(super) fn weight(change: &Change) -> usize {
    let length = |value: &Option<Value>| value.as_ref().map_or(0, Value::len);
    CHANGE_BYTES + change.key.len() + length(&change.old) + length(&change.new)
}
