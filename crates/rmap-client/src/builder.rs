//! Settings of a client.

#[cfg(feature = "fred")]
mod redis;

use std::sync::Arc;

use crate::client::Client;
use crate::clock::Clock;
use crate::settings::{ClientSettings, MapSettings};
use crate::transport::Transport;

/// Begun by [`Client::builder`]. Every setter says its default.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClientBuilder {
    settings: ClientSettings,
}

impl ClientBuilder {
    /// Everything at once; default [`ClientSettings::default`]. It replaces what was set before.
    pub fn settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Settings of every map that has none of its own; default [`MapSettings::default`].
    pub fn maps(mut self, settings: MapSettings) -> Self {
        self.settings = self.settings.maps(settings);
        self
    }

    /// See [`ClientSettings::unread_changes_in_sum`]; default 64 MiB.
    pub fn unread_changes_in_sum(mut self, bytes: usize) -> Self {
        self.settings = self.settings.unread_changes_in_sum(bytes);
        self
    }

    /// See [`ClientSettings::received_in_sum`]; default 256 MiB.
    pub fn received_in_sum(mut self, bytes: usize) -> Self {
        self.settings = self.settings.received_in_sum(bytes);
        self
    }

    /// See [`ClientSettings::clock`]; default [`SystemClock`](crate::SystemClock).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings = self.settings.clock(clock);
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
