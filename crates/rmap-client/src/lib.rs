//! A replicated map for services: Redis or Valkey holds the map, every process that joins it keeps a complete local
//! copy. Reads are local memory reads; a write is one atomic step at the server that every copy hears of.

mod builder;
mod changes;
mod client;
mod clock;
mod driver;
mod error;
mod events;
mod feed;
mod inbox;
mod map;
mod router;
mod settings;
mod status;
mod sync;
pub mod transport;
mod written;

pub use builder::ClientBuilder;
pub use changes::Changes;
pub use client::Client;
pub use error::Error;
pub use events::Events;
pub use rmap_proto as proto;

pub use map::{Map, MapBuilder, SetAndWait};
pub use rmap_core::{Change, Config, EventKind, Phase, Reason, ScanProgress, Value, View};
pub use rmap_proto::{InvalidKey, InvalidName, InvalidTtl, Key, MapName, Revision, ServerError};
pub use status::{Status, StatusChanges};
pub use transport::memory::MemoryServer;
pub use written::{Appended, Attempt, Cleared, Incremented, Removed, Written};
