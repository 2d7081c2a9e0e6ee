//! A server in this process: the model of the authority behind the same [`Transport`](super::Transport) as Redis.
//!
//! Maps on it use the same replica, wire format and revisions as on Redis. [`MemoryServer`] can also simulate
//! failures of a network and a server, so that services can test their reactions.

mod client;
mod hashes;
mod queue;
mod server;
mod state;
mod transport;

pub use self::server::MemoryServer;
pub use self::transport::MemoryTransport;
