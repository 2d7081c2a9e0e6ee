//! The replica of an rmap map as a state machine without I/O. It decides what to request from the server, applies the
//! answers and notifications, and serves concurrent readers. It has no clock, no task, no socket and no randomness of
//! its own.
//!
//! A **driver** connects the replica to the world, in this order:
//!
//! - It passes each input to [`Replica::handle_connected`] or another `handle_*` method. Each call carries `now`, a
//!   `Duration` since any epoch of the driver's choice.
//! - It carries out the outputs of [`Replica::poll_output`] until there are none. Several inputs may come before that.
//! - It calls [`Replica::handle_timeout`] at the time that [`Replica::poll_timeout`] returns.
//! - Between the outputs it calls [`Replica::do_work`] while the replica [has work](Replica::has_work), as only large
//!   maps have.
//!
//! Readers use a [`Reader`] and never wait for the driver.
//!
//! The following driver is complete. The model of the authority (`rmap-model`) takes the place of a server:
//!
//! ```
//! use std::time::Duration;
//!
//! use rmap_core::{ReplicaSettings, Output, Phase, Replica, Request};
//! use rmap_model::Authority;
//! use rmap_proto::{Key, KeyOperation, Mark, Operation, Read, Ttl, Write};
//!
//! let mut server = Authority::new();
//! let mut replica = Replica::new(ReplicaSettings::default(), 7);
//! let flags = replica.reader();
//!
//! fn drive(replica: &mut Replica, server: &mut Authority, now: Duration) {
//!     while let Some(output) = replica.poll_output() {
//!         match output {
//!             Output::Subscribe { nonce } => replica.handle_subscribed(now, &nonce),
//!             Output::Request { id, request } => {
//!                 let mark = Mark::new("map:flags:sync:1".into(), id.get());
//!                 let read = match request {
//!                     Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
//!                     Request::Page { cursor, count } => Read::Page { cursor, count },
//!                     Request::Probe => Read::Probe { mark },
//!                 };
//!                 let reply = server.read(0, &read).expect("the hash is sound");
//!                 replica.handle_mark(now, id.get().to_string().as_bytes());
//!                 replica.handle_reply(now, id, Ok(reply));
//!             }
//!             // A driver with waiting users notifies them; a driver with connections replaces them.
//!             Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
//!         }
//!     }
//!     // A driver with other tasks lets them run between two steps.
//!     while replica.do_work(replica.work_budget()) {}
//! }
//!
//! replica.handle_connected(Duration::ZERO, 1);
//! drive(&mut replica, &mut server, Duration::ZERO);
//! assert_eq!(replica.status().phase, Phase::Live);
//!
//! let operation = Operation::Key(KeyOperation::Set { key: Key::new("dark-mode")?, value: "on".into() });
//! let (written, notifications) = server.write(1, &Write::new(operation, Ttl::None)).expect("a valid write");
//! for payload in &notifications {
//!     replica.handle_notification(Duration::from_millis(1), payload);
//! }
//! drive(&mut replica, &mut server, Duration::from_millis(1));
//! assert_eq!(flags.get(b"dark-mode").unwrap(), "on");
//! assert_eq!(flags.revision(), written.revision);
//! # Ok::<(), rmap_proto::InvalidKey>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod content;
mod output;
mod progress;
mod proof;
mod received;
mod replica;
mod resyncs;
#[cfg(feature = "serde")]
mod serialize;
mod settings;
mod shown;
mod status;
pub mod stored;
mod sync;
mod value;
mod watchers;

pub use content::{Reader, View, ViewIter};
pub use output::{
    Change, Differing, Discrepancy, Disposition, EventKind, Failure, Nonce, Output, Request, RequestId,
    Verified,
};
pub use progress::{Progress, Target, Wait};
pub use proof::{Proof, Unproven};
pub use received::{Pings, Received};
pub use replica::{Replica, Staging, StoredContent};
pub use resyncs::Resyncs;
pub use settings::{ReplicaSettings, WhenLost};
pub use status::{Phase, Reason, ReplicaStatus, Restored, ScanProgress};
pub use value::{KeyRef, Value};
pub use watchers::Watchers;
