//! Whether what a group met is what each of its writes would have met.

use rmap_proto::WriteError;

use super::super::super::TransportError;

/// Codes with which the server refuses any script at its door, whatever it is about to do.
const AT_THE_DOOR: &[&str] = &[
    "NOSCRIPT",
    "READONLY",
    "MASTERDOWN",
    "BUSY",
    "LOADING",
    "CLUSTERDOWN",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "CROSSSLOT",
];

/// True when the failure of a group is told to all its writes.
///
/// False when it is proved that nothing ran and a write alone might fare better: in a full memory a delete still works,
/// a user without the right to HDEL may still set, and a write whose condition does not hold writes nothing at all.
pub(super) fn is_of_each(error: &TransportError) -> bool {
    match error {
        TransportError::NotSent(_) | TransportError::Indeterminate(_) => true,
        TransportError::Authority(WriteError::Rejected(error)) => {
            AT_THE_DOOR.contains(&error.code.as_str()) || error.message.contains("killed by user")
        }
        TransportError::Authority(WriteError::RevisionsExhausted) => false,
        TransportError::Authority(_) => true,
    }
}
