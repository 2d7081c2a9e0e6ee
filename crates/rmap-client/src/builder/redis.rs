//! Connecting to Redis or Valkey.

use std::time::Duration;

use super::ClientBuilder;
use crate::Error;
use crate::client::Client;
use crate::transport::redis::{ConnectError, RedisOptions, RedisTransport};

impl ClientBuilder {
    /// See [`ClientSettings::connect_timeout`](crate::ClientSettings::connect_timeout); default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings = self.settings.connect_timeout(timeout);
        self
    }

    /// See [`ClientSettings::command_timeout`](crate::ClientSettings::command_timeout); default 5 s.
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.settings = self.settings.command_timeout(timeout);
        self
    }

    /// Connects to a server. [`RedisOptions::from_url`] explains the URLs.
    ///
    /// For settings beyond URLs and setters, such as a provider of credentials, make a [`RedisTransport`] and pass it
    /// to [`with_transport`](Self::with_transport).
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), rmap_client::Error> {
    /// # use std::time::Duration;
    /// use rmap_client::Client;
    ///
    /// let client =
    ///     Client::builder().connect_timeout(Duration::from_secs(2)).connect("redis://127.0.0.1:6379").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when the URL is invalid, no server answered in time, the server is too old, or it refused
    /// the user or the password.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the attempt.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<Client, Error> {
        let options = self.options(url.as_ref()).map_err(|cause| Error::Connect { cause })?;
        let transport = RedisTransport::connect(options).await.map_err(|cause| Error::Connect { cause })?;
        Ok(Client::start(transport, self.settings))
    }

    /// Returns a client at once, which connects to a server in the background. It retries until it succeeds or is closed,
    /// whatever the failure: a server that is away, full or loading, or credentials that are refused.
    ///
    /// It is for services that must start while the server is away. Give its maps to
    /// [`join_in_background`](crate::MapBuilder::join_in_background); their status has the reason while there is no connection.
    /// [`join`](crate::MapBuilder::join) and writes fail with [`Error::NotSent`] until the connections stand.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::Client;
    ///
    /// let client = Client::builder().connect_in_background("redis://127.0.0.1:6379")?;
    /// let flags = client.map("flags").join_in_background()?;
    /// println!("{}", flags.status());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when the URL is invalid.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    pub fn connect_in_background(self, url: impl AsRef<str>) -> Result<Client, Error> {
        let options = self.options(url.as_ref()).map_err(|cause| Error::Connect { cause })?;
        Ok(Client::start(RedisTransport::connect_in_background(options), self.settings))
    }

    fn options(&self, url: &str) -> Result<RedisOptions, ConnectError> {
        let mut options = RedisOptions::from_url(url)?;
        if let Some(timeout) = self.settings.connect_timeout {
            options = options.connect_timeout(timeout);
        }
        if let Some(timeout) = self.settings.command_timeout {
            options = options.command_timeout(timeout);
        }
        Ok(options)
    }
}

impl Client {
    /// Connects to a Redis or Valkey server, for example `redis://127.0.0.1:6379`.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when the URL is invalid, no server answers within 5 seconds (see
    /// [`ClientBuilder::connect_timeout`]), the server is too old, or it refuses the user or the password.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the attempt.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder().connect(url).await
    }
}
