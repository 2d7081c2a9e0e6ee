//! Where to connect and how.

use std::fmt;
use std::time::Duration;

use super::error::ConnectError;
use super::fred::{FredError, Target};
use super::loss::Loss;
use super::server::Server;
use super::subscriber::silence;
use super::url;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// A node that is well is allowed this much, however many there are.
const SHORTEST_STEP: Duration = Duration::from_secs(1);

/// After such a time a connection was well, and its silence is not a slow line's.
const CALM: Duration = Duration::from_secs(60);

const MOST_PAUSES: u32 = 16 * silence::PAUSES;

/// To the library, zero means no limit at all.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// So long that it means no limit, and so short that it can be added to the time of now.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// How [`RedisTransport`](super::RedisTransport) reaches the server.
///
/// Its `Debug` output shows neither user nor password.
#[derive(Clone)]
#[must_use]
pub struct RedisOptions {
    target: Target,
    connect_timeout: Duration,
    command_timeout: Duration,
    /// How many pauses of silence end the subscriber connection.
    silence: u32,
}

impl RedisOptions {
    /// Reads a URL.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`: a server;
    /// - `redis-sentinel://[[user]:password@]host[:port][/database]?sentinelServiceName=NAME[&node=host:port...]`: the
    ///   master that sentinels name, with `&sentinelUsername=` and `&sentinelPassword=` for themselves when the crate is
    ///   built with the feature `sentinel-auth`;
    /// - `redis-cluster://[[user]:password@]host[:port][?node=host:port...]`: a cluster;
    /// - `redis+unix:///path`: a socket.
    ///
    /// `rediss` in place of `redis` is for TLS, when the crate is built with the feature `tls`, and `valkey` means the same
    /// as `redis` everywhere.
    ///
    /// A database separates hashes, not channels: maps of one name in two databases of a server disturb each other.
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

    /// Time within which both connections must stand, each time they are made; 5 seconds by default, at least a
    /// millisecond, at most a year. Of several nodes of a cluster each may be silent for a part of it.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        self
    }

    /// Time within which a write must be answered, or else its outcome counts as unknown; 5 seconds by default, at
    /// least a millisecond, at most a year.
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

    /// A pair was lost. Where it did not last and was silent, a full line may have kept the answers for longer than that.
    pub(super) fn learn_from(&mut self, loss: &Loss, lasted: Duration) {
        if lasted >= CALM {
            self.silence = silence::PAUSES;
        } else if matches!(loss, Loss::Silent(_)) {
            self.silence = (self.silence * 2).min(MOST_PAUSES);
        }
    }

    /// Where the server is looked for, for messages.
    pub(super) fn address(&self) -> String {
        let hosts: Vec<String> = self.target.hosts().iter().map(Server::to_string).collect();
        hosts.join(", ")
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// The same for this one server, whatever leads to it.
    pub(super) fn at(&self, server: &Server) -> Self {
        Self { target: self.target.at(server), ..self.clone() }
    }

    /// The same for one of the sentinels.
    pub(super) fn of_sentinel(&self, sentinel: &Server) -> Self {
        Self { target: self.target.of_sentinel(sentinel), ..self.clone() }
    }

    /// The same with what a provider of credentials says now.
    pub(super) async fn with_credentials_for(&self, server: &Server) -> Result<Self, ConnectError> {
        let target = self.target.with_credentials_for(server).await;
        Ok(Self { target: target.map_err(|failure| self.failed(&failure))?, ..self.clone() })
    }

    /// What the failure of a step means.
    pub(super) fn failed(&self, failure: &FredError) -> ConnectError {
        failure.connecting(self.address(), self.step_limit())
    }

    /// The server did not answer in the whole time allowed.
    pub(super) fn silent(&self) -> ConnectError {
        ConnectError::silent(self.address(), self.connect_timeout)
    }

    /// How long a step may take. Where there are several nodes, one that is silent must leave time for the others.
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
