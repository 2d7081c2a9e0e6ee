//! Replies of the server as any transport delivers them.

use bytes::Bytes;

/// A reply that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
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
