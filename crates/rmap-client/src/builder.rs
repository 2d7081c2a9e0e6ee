//! Settings of a client.

#[cfg(feature = "fred")]
mod redis;

use std::sync::Arc;
use std::time::Duration;

use rmap_core::Config;

use crate::client::Client;
use crate::clock::Clock;
use crate::settings::{Limits, Settings};
use crate::transport::Transport;

/// Begun by [`Client::builder`]. Every setter says its default.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClientBuilder {
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
    #[cfg(feature = "fred")]
    server: redis::Server,
}

impl ClientBuilder {
    /// Settings of every map's replica; default [`Config::default`]. A map may have its own.
    pub fn replica(mut self, config: Config) -> Self {
        self.settings.replica = config;
        self
    }

    /// How much one write may carry, and how much may wait; default [`Limits::default`]. A map may have its own.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How long a join may go without progress; default 10 s. A map may have its own, see
    /// [`MapBuilder::join_timeout`](crate::MapBuilder::join_timeout).
    pub const fn join_timeout(mut self, timeout: Duration) -> Self {
        self.settings.join_timeout = timeout;
        self
    }

    /// How long [`Map::sync`](crate::Map::sync) may take; default 10 s. A map may have its own.
    pub const fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.settings.sync_timeout = timeout;
        self
    }

    /// The clock that tells ages and when a map looks after its content; default [`SystemClock`](crate::SystemClock), which
    /// goes on while the computer sleeps.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Ends the builder with a client over this transport, which the client closes at its end.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn with_transport(self, transport: Arc<dyn Transport>) -> Client {
        Client::start(transport, self.settings, self.clock)
    }
}
