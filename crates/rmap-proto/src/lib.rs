//! The protocol of rmap: names, keys and revisions, the Lua scripts with typed arguments and replies, the wire format
//! of notifications, list values, and a [model of the authority](authority) that says what the operations mean.
//!
//! No I/O, no async, no clock: a transport sends what [`script`] tells it to and hands back [`Reply`] values.

pub mod authority;
mod error;
mod key;
pub mod list;
mod name;
mod notification;
mod operation;
mod read;
mod reply;
mod revision;
pub mod script;

pub use error::{
    DecodeError, InvalidKey, InvalidName, InvalidTtl, Part, Problem, ReplyError, ServerError, WriteError,
};
pub use key::{KIND_FIELD, Key, REVISION_FIELD, is_reserved};
pub use name::{MAX_NAME_CHARS, MapName};
pub use notification::{Change, Notification};
pub use operation::{Operation, Ttl, TtlMillis, Write, Written};
pub use read::{Entries, Mark, Page, Probe, Read, ReadReply, Snapshot};
pub use reply::Reply;
pub use revision::Revision;
