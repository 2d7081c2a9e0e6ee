//! The server's address, and the settings of its connections.

use std::fmt;
use std::time::Duration;

use super::error::ConnectError;
use super::fred::{FredError, Target};
use super::loss::Loss;
use super::server::Server;
use super::subscriber::silence;
use super::url;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time that a healthy node gets, however many nodes there are.
const SHORTEST_STEP: Duration = Duration::from_secs(1);

/// A connection that lasted this long was healthy, so its silence does not come from a slow line.
const CALM: Duration = Duration::from_secs(60);

const MOST_PAUSES: u32 = 16 * silence::PAUSES;

/// The library takes zero for no limit.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// Long enough to mean no limit, and short enough to be added to the current time.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Options of a [`RedisTransport`](super::RedisTransport): the server's address, credentials and timeouts.
///
/// Its `Debug` output shows neither user nor password.
#[derive(Clone)]
#[must_use]
pub struct RedisOptions {
    target: Target,
    connect_timeout: Duration,
    command_timeout: Duration,
    /// Number of silent pauses that end the subscriber connection.
    silence: u32,
}

impl RedisOptions {
    /// Reads a URL.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`: a server;
    /// - `redis-sentinel://[[user]:password@]host[:port][/database]?sentinelServiceName=NAME[&node=host:port...]`:
    ///   the master that sentinels name, with `&sentinelUsername=` and `&sentinelPassword=` for themselves when the
    ///   crate is built with the feature `sentinel-auth`;
    /// - `redis-cluster://[[user]:password@]host[:port][?node=host:port...]`: a cluster;
    /// - `redis+unix:///path`: a socket.
    ///
    /// `rediss` in place of `redis` enables TLS, when the crate is built with the feature `tls`. `valkey` means the
    /// same as `redis` everywhere.
    ///
    /// Do not use one map name in two databases of a server: databases separate hashes but not channels, so the maps
    /// would disturb each other.
    ///
    /// # Errors
    ///
    /// [`ConnectError::InvalidUrl`] when it is none of these.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        url::check(url).map_err(ConnectError::InvalidUrl)?;
        Target::from_url(url).map(Self::to).map_err(ConnectError::InvalidUrl)
    }

    pub(super) const fn to(target: Target) -> Self {
        Self {
            target,
            connect_timeout: DEFAULT_TIMEOUT,
            command_timeout: DEFAULT_TIMEOUT,
            silence: silence::PAUSES,
        }
    }

    /// Longest time to make both connections, each time they are made; 5 seconds by default, at least a millisecond,
    /// at most a year. Each silent node of a cluster uses up a part of it.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        self
    }

    /// Longest time to wait for the answer to a write, whose outcome is indeterminate afterwards; 5 seconds by
    /// default, at least a millisecond, at most a year.
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        self
    }

    pub(super) const fn connect_limit(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) const fn command_limit(&self) -> Duration {
        self.command_timeout
    }

    pub(super) const fn silence_limit(&self) -> u32 {
        self.silence
    }

    /// Extends the accepted silence after a pair was lost to silence early, because a full line may have delayed the
    /// answers for longer.
    pub(super) fn learn_from(&mut self, loss: &Loss, lasted: Duration) {
        if lasted >= CALM {
            self.silence = silence::PAUSES;
        } else if matches!(loss, Loss::Silent(_)) {
            self.silence = (self.silence * 2).min(MOST_PAUSES);
        }
    }

    /// The server's address, for messages.
    pub(super) fn address(&self) -> String {
        let hosts: Vec<String> = self.target.hosts().iter().map(Server::to_string).collect();
        hosts.join(", ")
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// The same options, but always this one server.
    pub(super) fn at(&self, server: &Server) -> Self {
        Self { target: self.target.at(server), ..self.clone() }
    }

    /// The same options, but one of the sentinels.
    pub(super) fn of_sentinel(&self, sentinel: &Server) -> Self {
        Self { target: self.target.of_sentinel(sentinel), ..self.clone() }
    }

    /// The same options with the current credentials of the provider.
    pub(super) async fn with_credentials_for(&self, server: &Server) -> Result<Self, ConnectError> {
        let target = self.target.with_credentials_for(server).await;
        Ok(Self { target: target.map_err(|failure| self.failed(&failure))?, ..self.clone() })
    }

    /// Translates the failure of a step.
    pub(super) fn failed(&self, failure: &FredError) -> ConnectError {
        failure.connecting(self.address(), self.step_limit())
    }

    /// The server did not answer within the whole timeout.
    pub(super) fn silent(&self) -> ConnectError {
        ConnectError::silent(self.address(), self.connect_timeout)
    }

    /// Longest time for one step. With several nodes, a silent one must leave time for the others.
    pub(super) fn step_limit(&self) -> Duration {
        match u32::try_from(self.target.hosts().len()).unwrap_or(u32::MAX) {
            0 | 1 => self.connect_timeout,
            hosts => {
                let share = self.connect_timeout / hosts.saturating_add(1);
                share.max(SHORTEST_STEP).min(self.connect_timeout)
            }
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("address", &self.address())
            .field("connect_timeout", &self.connect_timeout)
            .field("command_timeout", &self.command_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_topology_are_read() {
        for url in [
            "redis://127.0.0.1:6379",
            "redis://127.0.0.1:6379/",
            "redis://user:secret@localhost/3",
            "redis://:secret@localhost",
            "redis://user:%2F%3F%23%40@localhost",
            "redis://[::1]:6379",
            "valkey://localhost",
            "redis-cluster://a:7000?node=b:7001",
            "redis-cluster://a:7000?node=b:7001&node=c:7002",
            "redis-cluster://a:7000/0",
            "redis-sentinel://a:26379?sentinelServiceName=main",
            "redis-sentinel://a:26379/2?sentinelServiceName=main&node=b:26379",
            "redis+unix:///run/redis.sock",
            "redis+unix://user:secret@localhost/run/redis.sock",
        ] {
            let _ = RedisOptions::from_url(url).unwrap();
        }
    }

    #[test]
    fn unusable_urls_are_refused() {
        for url in ["localhost:6379", "redis://", "redis-cluster://a?node=b"] {
            assert!(matches!(RedisOptions::from_url(url), Err(ConnectError::InvalidUrl(_))), "{url}");
        }
    }

    #[test]
    fn no_setting_is_too_large_or_too_small() {
        let options = || RedisOptions::from_url("redis://localhost").unwrap();
        let most = options().connect_timeout(Duration::MAX).command_timeout(Duration::MAX);
        assert_eq!((most.connect_timeout, most.command_timeout), (LONGEST_TIMEOUT, LONGEST_TIMEOUT));
        let least = options().connect_timeout(Duration::ZERO).command_timeout(Duration::ZERO);
        assert_eq!((least.connect_timeout, least.command_timeout), (SHORTEST_TIMEOUT, SHORTEST_TIMEOUT));
    }

    #[test]
    fn passwords_are_not_shown() {
        let options = RedisOptions::from_url("redis://alice:hunter2@localhost/3").unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
