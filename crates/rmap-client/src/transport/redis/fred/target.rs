//! The server in a configuration of fred, and clients for it.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::super::server::Server;
use super::meaning::{FredError, describe};
use ::fred::clients::Client;
use ::fred::error::Error;
use ::fred::types::RespVersion;
use ::fred::types::config::{self, Config, ConnectionConfig, CredentialProvider, ServerConfig, TcpConfig};

/// A server, the way to find it, and the user who connects. Without `Debug`, because it holds passwords.
#[derive(Clone)]
pub(in super::super) struct Target(pub(super) Config);

impl Target {
    pub(super) fn new(config: Config) -> Self {
        Self(Config { version: RespVersion::RESP2, fail_fast: true, ..config })
    }

    /// Reads a URL that has been checked; the error is fred's.
    pub(in super::super) fn from_url(url: &str) -> Result<Self, String> {
        Config::from_url(url).map(Self::new).map_err(|error| describe(&error))
    }

    /// The addresses in the configuration: the server, the nodes of a cluster, or the sentinels.
    pub(in super::super) fn hosts(&self) -> Vec<Server> {
        self.0.server.hosts().iter().map(ours).collect()
    }

    /// The address of the server, unless a cluster or sentinels lead to it.
    pub(in super::super) fn server(&self) -> Option<Server> {
        match &self.0.server {
            ServerConfig::Centralized { .. } | ServerConfig::Unix { .. } => self.hosts().pop(),
            ServerConfig::Clustered { .. } | ServerConfig::Sentinel { .. } => None,
        }
    }

    /// The sentinels' name for the master and its replicas, if sentinels lead to the server.
    pub(in super::super) fn service(&self) -> Option<&str> {
        match &self.0.server {
            ServerConfig::Sentinel { service_name, .. } => Some(service_name),
            ServerConfig::Centralized { .. } | ServerConfig::Unix { .. } | ServerConfig::Clustered { .. } => {
                None
            }
        }
    }

    /// The same target, but always this one server.
    pub(in super::super) fn at(&self, server: &Server) -> Self {
        let mut config = self.0.clone();
        config.server = ServerConfig::Centralized { server: theirs(server) };
        Self(config)
    }

    /// The same target, but one of its sentinels.
    pub(in super::super) fn of_sentinel(&self, sentinel: &Server) -> Self {
        let Self(mut config) = self.at(sentinel);
        // Sentinels have no databases.
        config.database = None;
        #[cfg(feature = "sentinel-auth")]
        if let ServerConfig::Sentinel { username, password, .. } = &self.0.server {
            config.username.clone_from(username);
            config.password.clone_from(password);
        }
        Self(config)
    }

    /// The same target with the current credentials of its provider. fred would renew them by itself, but without
    /// saying for which server.
    pub(in super::super) async fn with_credentials_for(&self, server: &Server) -> Result<Self, FredError> {
        let Self(mut config) = self.clone();
        if let Some(provider) = config.credential_provider.take() {
            let credentials = provider.fetch(Some(&theirs(server))).await;
            (config.username, config.password) = credentials.map_err(FredError)?;
        }
        Ok(Self(config))
    }

    /// User and password, if there are any.
    pub(in super::super) fn credentials(&self) -> (Option<&str>, Option<&str>) {
        (self.0.username.as_deref(), self.0.password.as_deref())
    }

    /// The path of a Unix socket.
    #[cfg(unix)]
    pub(in super::super) fn socket(&self) -> Option<&Path> {
        match &self.0.server {
            ServerConfig::Unix { path } => Some(path),
            ServerConfig::Centralized { .. }
            | ServerConfig::Clustered { .. }
            | ServerConfig::Sentinel { .. } => None,
        }
    }

    /// True if nothing may be sent unencrypted. A dependency of the program may have enabled TLS in fred.
    pub(in super::super) fn uses_tls(&self) -> bool {
        self.0.uses_tls()
    }

    /// A client for commands, not connected yet. `step_limit` bounds each step of connecting.
    pub(super) fn client(&self, step_limit: Duration) -> Client {
        Client::new(without_ping(self.0.clone()), None, Some(connection(step_limit)), None)
    }
}

pub(super) fn ours(server: &config::Server) -> Server {
    Server {
        #[cfg(feature = "tls")]
        certified: server.tls_server_name.as_deref().map(str::to_owned),
        ..Server::new(server.host.to_string(), server.port)
    }
}

fn theirs(server: &Server) -> config::Server {
    config::Server {
        #[cfg(feature = "tls")]
        tls_server_name: server.certified.as_deref().map(Into::into),
        ..config::Server::new(server.host.as_str(), server.port)
    }
}

fn connection(step_limit: Duration) -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: step_limit,
        internal_command_timeout: step_limit,
        // fred must neither resend a command nor follow a redirection, which counts as resending there.
        max_command_attempts: 1,
        max_redirections: 0,
        // Otherwise an error reply such as READONLY ends the connection, with an unknown outcome for everything in
        // flight.
        reconnect_errors: Vec::new(),
        tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
        ..ConnectionConfig::default()
    }
}

/// Keeps fred from sending PING to a server for which it has no credentials, because it fails if the PING is refused.
/// With a provider of credentials it sends AUTH, or nothing if there are none.
fn without_ping(mut config: Config) -> Config {
    if config.password.is_none() && config.credential_provider.is_none() {
        config.credential_provider = Some(Arc::new(NoCredentials));
    }
    config
}

#[derive(Debug)]
struct NoCredentials;

type Credentials = (Option<String>, Option<String>);

impl CredentialProvider for NoCredentials {
    fn fetch<'a, 'b, 'f>(
        &'a self,
        _server: Option<&'b config::Server>,
    ) -> Pin<Box<dyn Future<Output = Result<Credentials, Error>> + Send + 'f>>
    where
        'a: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(std::future::ready(Ok((None, None))))
    }
}
