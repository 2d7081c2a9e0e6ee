//! Connecting to Redis or Valkey.

use std::time::Duration;

use super::ClientBuilder;
use crate::Error;
use crate::client::Client;
use crate::transport::redis::{ConnectError, RedisOptions, RedisTransport};

const DEFAULT_URL: &str = "redis://127.0.0.1:6379";

/// Where to connect, and what was set apart from that.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    options: Option<Result<RedisOptions, ConnectError>>,
    connect_timeout: Option<Duration>,
    command_timeout: Option<Duration>,
}

impl ClientBuilder {
    /// The server; default `redis://127.0.0.1:6379`. What a URL can say, see [`RedisOptions::from_url`].
    ///
    /// A URL that is not one is reported by [`connect`](Self::connect).
    pub fn url(mut self, url: impl AsRef<str>) -> Self {
        self.server.options = Some(RedisOptions::from_url(url.as_ref()));
        self
    }

    /// The server, as options of the transport, for what a URL cannot say. Replaces [`url`](Self::url).
    pub fn options(mut self, options: RedisOptions) -> Self {
        self.server.options = Some(Ok(options));
        self
    }

    /// Time within which both connections must stand, now and after a loss; default 5 s, at most a year.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.server.connect_timeout = Some(timeout);
        self
    }

    /// Time within which a write must be answered, or else its outcome counts as unknown; default 5 s, at most a
    /// year.
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.server.command_timeout = Some(timeout);
        self
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] says whether the URL is invalid, no server answered in time, the server is too old, or it
    /// refused the user or the password.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the attempt up.
    pub async fn connect(self) -> Result<Client, Error> {
        let options = self.server.options().map_err(|cause| Error::Connect { cause })?;
        let transport = RedisTransport::connect(options).await.map_err(|cause| Error::Connect { cause })?;
        Ok(Client::start(transport, self.settings))
    }
}

impl Server {
    fn options(&self) -> Result<RedisOptions, ConnectError> {
        let mut options = self.options.clone().unwrap_or_else(|| RedisOptions::from_url(DEFAULT_URL))?;
        if let Some(timeout) = self.connect_timeout {
            options = options.connect_timeout(timeout);
        }
        if let Some(timeout) = self.command_timeout {
            options = options.command_timeout(timeout);
        }
        Ok(options)
    }
}
