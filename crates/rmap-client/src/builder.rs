//! Building a client.

#[cfg(feature = "fred")]
mod redis;

use std::sync::Arc;

use crate::client::Client;
use crate::clock::Clock;
use crate::settings::{ClientSettings, MapSettings};
use crate::transport::Transport;

/// Connects a client with settings of its own, from [`Client::builder`]. Every setter says its default.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClientBuilder {
    settings: ClientSettings,
}

impl ClientBuilder {
    /// Replaces all settings of the client; default [`ClientSettings::default`].
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

    /// Builds a client over this transport. The client closes the transport when it closes.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn with_transport(self, transport: Arc<dyn Transport>) -> Client {
        Client::start(transport, self.settings)
    }
}

impl Client {
    /// Starts a builder for a client; the builder's `connect` connects it.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Makes a client over any transport. The client closes the transport when it closes.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self::builder().with_transport(transport)
    }
}
