//! A server in this process: the model of the authority behind the same [`Transport`](super::Transport) as Redis.
//!
//! Maps on it go through the same replica, wire format and revisions as on Redis. [`MemoryServer`] can also be made to
//! fail in the ways that a network and a server fail, so that services can test what they do then.

mod client;
mod queue;
mod server;
mod state;
mod transport;

pub use self::server::MemoryServer;
pub use self::transport::MemoryTransport;
