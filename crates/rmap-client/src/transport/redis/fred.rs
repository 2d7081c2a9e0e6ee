//! The only module that names fred, the library below the command connection. It offers fred's functions in rmap's
//! own types.
//!
//! fred would reconnect by itself, and then resend commands that were in flight or queued on the new connection. A
//! link prevents that: its client has no reconnect policy, and its end is the end of its pair of connections. So a
//! command belongs to one connection and is never sent after that connection is gone. Only bytes that the operating
//! system has already taken may still reach a frozen server; their callers got an unknown outcome.
//!
//! fred 10.1 removes a queued command when *its own* timeout has passed, but still sends it when merely the future
//! was dropped. All calls therefore carry fred's timeout, and the queue only grows while the socket takes no more
//! bytes. A dropped call may be sent as long as its connection lives.
//!
//! The module exports the library's types for a configuration of
//! [`RedisOptions::from_config`](super::RedisOptions::from_config).

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
