//! A replicated map for services: Redis or Valkey holds the map, and every process that joins the map keeps a
//! complete local copy. Reads are local memory reads. A write is one atomic step at the server, which notifies every
//! copy.
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
//! - **Reads never block, fail or lie about a mixture.** [`Map::get`] and its relatives read content of one revision;
//!   a [`View`] is the whole map at one revision. [`Map::status`] says how stale the content may be, and
//!   [`Map::fresh`] refuses content that is staler than a bound. After [`Map::sync`] a read sees every write that was
//!   acknowledged before the call.
//! - **Nothing is lost in silence.** A lost notification, a disconnect, an expiry, a FLUSHALL or a failover is
//!   noticed within the probe interval (5 s unless [set](MapSettings::probe_interval)). The map then resyncs without
//!   waiting for the next write. A server that falls silent is noticed within 9 s. One exception: a dead command
//!   connection beside a live subscriber connection may take 127 s to notice.
//! - **Writes tell the truth.** A write is never sent twice. Its [`Outcome`] is one of four: committed; not applied,
//!   because its condition did not hold; rejected; or indeterminate.
//! - **Updates at once do not overwrite each other.** [`Map::update`] computes a value from the one that is there;
//!   [`Map::load_difference`] makes the map hold exactly what a file says.
//! - **Observers see everything that matters.** [`Map::subscribe`] emits coalesced events, at least one after the
//!   last change. [`Map::changes`] yields every net change with old and new value, also across reconnects.
//! - **Observers can choose.** [`Map::watch`] shows the latest value of one key. [`Map::watch_prefix`] yields the
//!   keys with a prefix, then their changes. [`Map::wait_until`] waits until a condition on the whole map holds.
//! - **Go peers take part.** A Go process that joins the same name with `goa.design/pulse/rmap` (v1.6.3 or later)
//!   shares the map.
//!
//! # In the order of use
//!
//! 1. **Connect.** [`Client`]: `Client::connect`, `ClientBuilder::connect_in_background` for services that start while the
//!    server is away, and [`Client::in_memory`] without a server.
//! 2. **Join.** [`Client::map`] begins a [`MapBuilder`]; [`join`](MapBuilder::join) or
//!    [`join_in_background`](MapBuilder::join_in_background) returns a [`Map`].
//! 3. **Read.** [`Map::get`], [`Map::with`], and [`Map::view`] for many keys of one moment.
//! 4. **Write.** [`Map::set`] and its relatives, [`Map::batch`], [`Map::update`], [`Map::set_many`] and
//!    [`Map::load_difference`]. Each [`Writing`] may become [`visible`](Writing::visible).
//! 5. **Wait.** [`Map::wait_for`] a revision, [`Map::sync`] for a proof, [`Map::wait_until`] a condition holds.
//! 6. **Observe.** [`Map::watch`] a key, [`Map::watch_prefix`], [`Map::changes`], [`Map::subscribe`].
//! 7. **Give values types.** [`MapBuilder::typed`] returns a [`TypedMap`], which has all of this with decoded values, and keeps
//!    the last good one where a bad one comes. See the module [`typed`].
//! 8. **Operate.** [`Map::health`], [`Map::stats`], [`Map::phase_changes`]; [`WhenLost`] and [`Map::follow`] for a server that
//!    has lost the map; [`Map::verify`].
//! 9. **Test.** [`MemoryServer`] is a server whose clients, losses and outages a test controls.
//!
//! # Handles, connections and tasks
//!
//! A [`Client`] is one command connection and one subscriber connection for any number of maps. A [`Map`] is a cheap
//! handle; each joined map has one task that follows the server. Dropping the last handle of a map ends its task.
//! Dropping the last client and map handle closes the connections. A closed map still serves its last content. Where
//! sentinels lead to the server, the client keeps one more connection, to one sentinel.
//!
//! Tasks, timers and connections belong to the tokio runtime in which the client was made. That runtime must run
//! while a future of the client is awaited; the future itself may be polled by any executor. When the runtime ends,
//! the client closes.
//!
//! # Logs
//!
//! The client logs through `tracing`, in a span `rmap` with the map's name: phase changes at INFO, and the number of
//! entries that disappeared without a write at WARN. No value is logged. fred logs on its own through the crate `log`
//! and repeats some warnings; the filter `info,fred=error` drops the repetitions.
//!
//! # Features
//!
//! - `fred` (default): the transport for Redis and Valkey, `Client::connect` and the builder's `connect`.
//! - `tls`: URLs that begin with `rediss`.
//! - `serde` (default): the codec `Json` of [typed maps](typed), and `Serialize` for [`Status`], [`Health`],
//!   [`MapStats`], [`ClientStats`], [`View`], [`Change`] and what they are made of.
//! - `metrics`: reports [`Map::stats`] and [`Client::stats`] to the recorder of the crate `metrics`, every 5 seconds and at
//!   each call of `Client::record_metrics`. `docs/metrics.md` lists the names.
//! - `sentinel-auth`: sentinels get their own user and password, or none, instead of the server's.
//!
//! Without `fred` a client runs [in memory](Client::in_memory) or over a [`Transport`](transport::Transport) of your
//! own.

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
mod health;
mod inbox;
mod map;
#[cfg(feature = "metrics")]
mod metrics;
mod outlets;
mod router;
mod runtime;
mod settings;
mod stats;
mod status;
mod store;
mod sum;
mod sync;
pub mod transport;
pub mod typed;
mod verification;
mod watch;
mod written;

pub use builder::ClientBuilder;
pub use changes::{Changes, PrefixChanges};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use error::{Error, Outcome};
pub use events::Events;
pub use health::Health;
pub use map::{Batch, Map, MapBuilder, Update, Updating, Visible, Writing, kind};
pub use rmap_core::stored;
pub use rmap_core::{
    Change, Differing, Discrepancy, EventKind, KeyRef, Phase, Reason, Restored, Resyncs, ScanProgress,
    Unproven, Value, Verified, View, ViewIter, WhenLost,
};
pub use rmap_model as model;
pub use rmap_proto as proto;
pub use rmap_proto::{
    ErrorCode, Escaped, InvalidKey, InvalidName, InvalidRevision, InvalidTtl, Key, MapName, Revision,
    ServerError,
};
pub use settings::{ClientSettings, MapSettings};
pub use stats::{ClientStats, InboxStats, MapStats, WriteStats};
pub use status::{PhaseChanges, Status, StatusChanges};
pub use store::{Store, StoreFault, StoreFound, StoreStatus, StoreStep, StoreWritten};
pub use transport::memory::MemoryServer;
#[doc(inline)]
pub use typed::TypedMap;
pub use watch::Watch;
pub use written::{
    Appended, Attempt, Batched, Cleared, Incremented, Loaded, Removed, SetMany, StepResult, Updated, Written,
};
