//! Where streams stand in a log, and what its changes weigh.

use std::collections::BTreeMap;

use rmap_core::{Change, Value};

/// What a change takes beside its key and values.
const CHANGE_BYTES: usize = 128;

/// The number of the next change of a stream, or one before it that is not kept any more.
pub(super) type Place = u64;

pub(super) type Places = BTreeMap<Place, usize>;

/// About how much memory a change keeps.
pub(super) fn weight(change: &Change) -> usize {
    let length = |value: &Option<Value>| value.as_ref().map_or(0, Value::len);
    CHANGE_BYTES + change.key.len() + length(&change.old) + length(&change.new)
}
