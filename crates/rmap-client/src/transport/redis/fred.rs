//! The only room that names fred, the library below the command connection: what the rest of the transport asks of it, in
//! rmap's own types.
//!
//! fred would reconnect by itself, and then send again, on the new connection, what was in flight or queued. A link never
//! lets it: its client has no reconnect policy, and its end is the end of its pair of connections. So a command belongs to
//! one connection and is never sent after that is gone. Only bytes that the operating system has already taken may still
//! reach a server that was frozen; their callers got an unknown outcome.
//!
//! What fred 10.1 does with a command whose caller went away: one that waits in its queue is struck off if *fred's own*
//! timeout has passed, but is sent if merely its future was dropped. All calls therefore carry fred's timeout, and the
//! queue only grows while the socket takes no more bytes. A dropped call may be sent as long as its connection lives.
//!
//! Public are the library's types that a configuration for
//! [`RedisOptions::from_config`](super::RedisOptions::from_config) is made of.

mod commands;
mod link;
mod meaning;
mod options;
mod reply;
mod target;
#[cfg(feature = "tls")]
mod tls;

pub use ::fred::{error, types};

pub(super) use self::commands::{Commands, Unanswered, sha1};
pub(super) use self::link::Link;
pub(super) use self::meaning::FredError;
pub(super) use self::reply::Answer;
pub(super) use self::target::Target;
