//! A replicated map for services: Redis or Valkey holds the map, and every process that joins it keeps a complete local
//! copy. Reads are local memory reads; a write is one atomic step at the server that every copy hears of.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), rmap_client::Error> {
//! use rmap_client::Client;
//!
//! // The same program without a server; with one: Client::connect("redis://127.0.0.1:6379").await?
//! let client = Client::in_memory();
//! let flags = client.map("flags").join().await?;
//!
//! let written = flags.set("dark-mode", "on").await?;
//! flags.wait_for(written.revision).await?;
//! assert_eq!(flags.get("dark-mode").unwrap(), "on");
//! assert_eq!(flags.with("dark-mode", |value| value == b"on"), Some(true));
//!
//! let swap = flags.test_and_set("dark-mode", "on", "off").await?;
//! assert!(swap.applied);
//!
//! flags.sync().await?;
//! let view = flags.view();
//! assert_eq!(view.get("dark-mode").unwrap(), "off");
//! assert_eq!(view.revision(), swap.revision);
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - **Reads never block, fail or lie about a mixture.** [`Map::get`] and its relatives read the last consistent state;
//!   a [`View`] is the whole map at one revision. How old that state may be, [`Map::status`] says; [`Map::fresh`]
//!   refuses beyond a bound, and after [`Map::sync`] a read sees every write acknowledged before.
//! - **Nothing is lost in silence.** A lost message, a disconnect, an expiry, a FLUSHALL or a failover is noticed within
//!   the probe interval (5 s unless [set](MapSettings::probe_interval)) and repaired, without waiting for the next write. A
//!   server that falls silent is noticed within 9 s; only where the command connection alone is dead it may take 127 s.
//! - **Writes tell the truth.** A write is never sent twice. It was committed, not applied because its condition did not
//!   hold, rejected, or its outcome is unknown, and [`Error`] says which.
//! - **Observers see everything that matters.** [`Map::subscribe`] coalesces, with one more event after the last
//!   change; [`Map::changes`] yields every net change with old and new value, across reconnects too.
//! - **Or they see one key.** [`Map::watch`] shows the latest value of a key, [`Map::watch_prefix`] a part of the map from its
//!   content on, and [`Map::wait_until`] waits until the map looks as a program needs it.
//! - **Go peers take part.** A Go process that joins the same name with `goa.design/pulse/rmap` (v1.6.3 or
//!   later) shares the map.
//!
//! # Handles, connections and tasks
//!
//! A [`Client`] is one command connection and one subscriber connection for any number of maps. A [`Map`] is a cheap
//! handle; each joined map has one task that follows the server. The last handle dropped ends the task, and the last
//! client and map handle dropped close the connections. A closed map still serves its last content. Where sentinels lead
//! to the server there is one more connection, to one of them.
//!
//! Tasks, timers and connections belong to the tokio runtime in which the client was made. That runtime must go on while a
//! future of the client is awaited; the future itself may be polled anywhere, by another executor, too. When the runtime
//! ends the client closes.
//!
//! # Logs
//!
//! Changes of a map's phase are logged at INFO, entries that went without a write at WARN with their number, through
//! `tracing`, in a span `rmap` with the map's name. No value is logged. fred logs on its own through the crate `log` and warns of
//! what rmap reports, too; the filter `info,fred=error` leaves that out.
//!
//! # Features
//!
//! - `fred` (default): the transport for Redis and Valkey, `Client::connect` and the builder's `connect`.
//! - `tls`: URLs that begin with `rediss`.
//! - `serde`: `Serialize` for [`Status`], [`View`], [`Change`] and what they are made of.
//! - `sentinel-auth`: sentinels get the user and password given for them, or none, instead of those of the server.
//!
//! Without `fred` there is [`Client::in_memory`] and any [`Transport`](transport::Transport) of one's own.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod asks;
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
mod outlets;
mod router;
mod runtime;
mod settings;
mod status;
mod sum;
mod sync;
pub mod transport;
mod verification;
mod watch;
mod written;

pub use builder::ClientBuilder;
pub use changes::{Changes, PrefixChanges};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use error::{Error, Outcome};
pub use events::Events;
pub use map::{Batch, Map, MapBuilder, Visible, Writing, kind};
pub use rmap_core::{
    Change, Differing, Discrepancy, EventKind, KeyRef, Phase, Reason, ScanProgress, Value, Verified, View,
    ViewIter,
};
pub use rmap_model as model;
pub use rmap_proto as proto;
pub use rmap_proto::{
    ErrorCode, Escaped, InvalidKey, InvalidName, InvalidRevision, InvalidTtl, Key, MapName, Revision,
    ServerError,
};
pub use settings::{ClientSettings, MapSettings};
pub use status::{Status, StatusChanges};
pub use transport::memory::MemoryServer;
pub use watch::Watch;
pub use written::{Appended, Attempt, Batched, Cleared, Incremented, Removed, StepResult, Written};
