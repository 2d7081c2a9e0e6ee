//! Replies of the server as any transport delivers them.

use std::fmt;

use bytes::Bytes;

use crate::sizes::Size;

/// A reply that is not an error.
///
/// The `Debug` form shows the number of bytes of a string, never the string.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the reply types of RESP2, for good")]
pub enum Reply {
    /// A null bulk string or null array.
    Nil,
    /// An integer.
    Integer(i64),
    /// A bulk or simple string.
    Bytes(Bytes),
    /// An array.
    Array(Vec<Self>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("Nil"),
            Self::Integer(number) => write!(f, "Integer({number})"),
            Self::Bytes(bytes) => write!(f, "Bytes({:?})", Size::of(bytes)),
            Self::Array(replies) => f.debug_list().entries(replies).finish(),
        }
    }
}
