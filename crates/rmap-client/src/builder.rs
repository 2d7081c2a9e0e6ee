//! Settings of a client.

#[cfg(feature = "fred")]
mod redis;

use std::sync::Arc;
use std::time::Duration;

use rmap_core::Config;

use crate::client::Client;
use crate::clock::Clock;
use crate::settings::{ClientSettings, Limits};
use crate::transport::Transport;

/// Begun by [`Client::builder`]. Every setter says its default.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClientBuilder {
    settings: ClientSettings,
    #[cfg(feature = "fred")]
    timeouts: redis::Timeouts,
}

impl ClientBuilder {
    /// Settings of every map's replica; default [`Config::default`]. A map may have its own.
    pub fn replica(mut self, config: Config) -> Self {
        self.settings.maps.replica = config;
        self
    }

    /// How much one write may carry, and how much may wait; default [`Limits::default`]. A map may have its own.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.maps.limits = limits;
        self
    }

    /// How long a join may go without progress; default 10 s. A map may have its own, see
    /// [`MapBuilder::join_timeout`](crate::MapBuilder::join_timeout).
    pub const fn join_timeout(mut self, timeout: Duration) -> Self {
        self.settings.maps.join_timeout = timeout;
        self
    }

    /// How long [`Map::sync`](crate::Map::sync) may take; default 10 s. A map may have its own.
    pub const fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.settings.maps.sync_timeout = timeout;
        self
    }

    /// Most bytes of unread changes over all streams of [`changes`](crate::Map::changes) of the client; default 64 MiB.
    ///
    /// Beyond it every stream folds, as it does beyond the [limits](Limits::unread_changes) of its map. So at most that, and one
    /// change for each key between two streams that stand at different places.
    pub const fn unread_changes_in_sum(mut self, bytes: usize) -> Self {
        self.settings.unread = bytes;
        self
    }

    /// Most bytes of messages that wait over all maps of the client, received and not yet taken by the map's task, or held
    /// until a snapshot is there; default 256 MiB.
    ///
    /// Beyond it a map that gets one more drops those that wait, and resyncs, as it does beyond the
    /// [limits](Limits::inbox) of its own.
    pub const fn received_in_sum(mut self, bytes: usize) -> Self {
        self.settings.received = bytes;
        self
    }

    /// The clock that tells ages and when a map looks after its content; default [`SystemClock`](crate::SystemClock), which
    /// goes on while the computer sleeps.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = Some(clock);
        self
    }

    /// Ends the builder with a client over this transport, which the client closes at its end.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn with_transport(self, transport: Arc<dyn Transport>) -> Client {
        Client::start(transport, self.settings)
    }
}

impl Client {
    /// Begins a client with settings; the builder's `connect` ends it.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client over any transport, which it closes at its end.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self::builder().with_transport(transport)
    }
}
