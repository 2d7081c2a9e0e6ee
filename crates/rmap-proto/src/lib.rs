//! The protocol of rmap: names, keys and revisions, Lua scripts with typed arguments and replies, the wire format of
//! notifications, and list values. The crate `rmap-model` defines the meaning of the operations.
//!
//! The crate has no I/O, no async code and no clock. A transport sends the requests that [`script`] builds and decodes
//! each [`Reply`] with the function that belongs to the request.
//!
//! A write is one script:
//!
//! ```
//! use rmap_proto::script::{self, Invocation};
//! use rmap_proto::{Key, KeyOperation, MapName, Ttl, Write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let operation = KeyOperation::Set { key: Key::new("color")?, value: "blue".into() };
//! let request = script::write(&MapName::new("flags")?, &Write::new(operation, Ttl::None))?;
//! let Invocation::Script { script, key, .. } = request else { unreachable!() };
//! assert_eq!((script.name(), &key[..]), ("set", &b"map:flags:content"[..]));
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod compare;
mod error;
pub mod error_code;
mod escaped;
mod key;
mod key_operation;
mod lease;
pub mod list;
mod name;
mod notification;
mod operation;
mod read;
mod replication;
mod reply;
mod revision;
pub mod script;
mod sizes;

pub use batch::{BatchOperation, BatchReply, MAX_BATCH_BYTES, MAX_BATCH_STEPS, MAX_READ_BYTES, Precondition};
pub use error::{
    DecodeError, InvalidExpiry, InvalidKey, InvalidName, InvalidRevision, InvalidTtl, NoSidecars, Part,
    Problem, ReplyError, ServerError, WriteError,
};
pub use error_code::ErrorCode;
pub use escaped::Escaped;
pub use key::{KIND_FIELD, Key, REVISION_FIELD, is_reserved};
pub use key_operation::{KeyOperation, Leaves, ResultKind};
pub use lease::{
    Deadline, Expiry, Held, LeaseNews, MAX_LEASED_BYTES, MAX_LEASES_AT_ONCE, OnlyIf, Reaped, Revoked,
};
pub use name::{MAX_NAME_CHARS, MapName, Sidecars};
pub use notification::{Change, Notification};
pub use operation::{Operation, Ttl, TtlMillis, Write, WriteReply};
pub use read::{Entries, Leases, Mark, Page, Probe, Read, ReadReply, Snapshot};
pub use replication::{Former, Replication};
pub use reply::Reply;
pub use revision::Revision;
