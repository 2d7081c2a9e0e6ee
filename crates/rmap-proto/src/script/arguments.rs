//! Arguments that several scripts share.

use bytes::Bytes;

use crate::key_operation::Arguments;
use crate::{KeyOperation, OnlyIf, Ttl};

/// The arguments for the time to live.
pub(super) fn ttl_args(ttl: Ttl) -> [Bytes; 2] {
    let (kind, millis) = match ttl {
        Ttl::None => ("none", 0),
        Ttl::Absolute(millis) => ("absolute", millis.get()),
        Ttl::Sliding(millis) => ("sliding", millis.get()),
    };
    [Bytes::from_static(kind.as_bytes()), millis.to_string().into()]
}

/// Adds the arguments of an operation after its key.
pub(super) fn push_arguments(args: &mut Vec<Bytes>, operation: &KeyOperation) {
    match operation.arguments() {
        Arguments::None => {}
        Arguments::Value(value) => args.push(value.clone()),
        Arguments::ValueAndTest(value, test) => args.extend([value.clone(), test.clone()]),
        Arguments::Expiring(value, expiry, only_if) => {
            let (condition, test) = match only_if {
                OnlyIf::Any => ("any", Bytes::new()),
                OnlyIf::Absent => ("absent", Bytes::new()),
                OnlyIf::Equals(test) => ("equals", test.clone()),
            };
            args.extend([value.clone(), expiry.get().to_string().into(), condition.into(), test]);
        }
        Arguments::Number(number) => args.push(number.to_string().into()),
        Arguments::Items(items) => {
            args.extend(items.iter().map(|item| Bytes::copy_from_slice(item.as_bytes())));
        }
    }
}
