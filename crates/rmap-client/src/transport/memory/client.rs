//! Clients of an in-memory server.

use super::server::MemoryServer;
use crate::client::Client;

impl MemoryServer {
    /// A new client of this server.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::with_transport(self.transport())
    }
}

impl Client {
    /// A client of an in-memory server of its own: the same program without Redis, for tests and examples.
    ///
    /// For several clients of one server see [`MemoryServer`].
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn in_memory() -> Self {
        MemoryServer::new().client()
    }
}
