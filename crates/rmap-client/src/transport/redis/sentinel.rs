//! Sentinels: they name the master of a service, and one day another one.
//!
//! fred asks them when it connects and then never again. A master that is replaced while it is well keeps its
//! connections until a sentinel demotes it, which takes about ten seconds, and what it acknowledges meanwhile is lost. So
//! both connections are made to the server that a sentinel has named, and that sentinel is asked again and again.

mod ask;
mod connect;

use std::time::Duration;

use ::fred::types::config::Server;
use tokio::time::{Instant, timeout};

pub(super) use self::connect::connect;
use super::error::ConnectError;
use super::link::Link;
use super::options::RedisOptions;

/// How often a sentinel is asked. It answers from memory.
const INTERVAL: Duration = Duration::from_millis(250);

/// How often all are asked while none answers.
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);

/// How long the sentinel that is asked may take, before the others are asked as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long all of them may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Who knows which server is the master.
#[derive(Debug, Clone)]
pub(super) struct Sentinels {
    pub(super) options: RedisOptions,
    pub(super) hosts: Vec<Server>,
    /// What they call the master and its replicas.
    pub(super) service: String,
}

/// The server that a sentinel has named, and what it takes to learn that it is another one.
#[derive(Debug)]
pub(super) struct Master {
    sentinels: Sentinels,
    server: Server,
    /// The sentinel that answered last; `None` after it did not.
    link: Option<Link>,
}

impl Master {
    /// Resolves, with its name, when a sentinel names another server. While none answers, nothing is known to have
    /// changed.
    pub(super) async fn moved(&mut self) -> Server {
        // Longer for as long as none answers.
        let mut interval = INTERVAL;
        loop {
            tokio::time::sleep(interval).await;
            match self.ask().await {
                Ok(server) if server != self.server => return server,
                Ok(_) => {
                    if interval > INTERVAL {
                        tracing::info!("a sentinel names the master again");
                    }
                    interval = INTERVAL;
                }
                Err(error) => {
                    if interval == INTERVAL {
                        tracing::warn!(%error, "no sentinel names the master: a new one is not noticed at once");
                    }
                    interval = (interval * 2).min(LONGEST_INTERVAL);
                }
            }
        }
    }

    /// Closes the connection to the sentinel.
    pub(super) async fn abort(self) {
        if let Some(link) = self.link {
            link.abort().await;
        }
    }

    /// Asks again, after a while; without an answer it stays the same server.
    async fn ask_anew(&mut self) {
        tokio::time::sleep(INTERVAL).await;
        if let Ok(server) = self.ask().await {
            self.server = server;
        }
    }

    /// # Cancel safety
    ///
    /// Dropping the future loses no sentinel that answers.
    async fn ask(&mut self) -> Result<Server, ConnectError> {
        if let Some(link) = &mut self.link {
            if let Some(server) = ask_again(link, &self.sentinels.service).await {
                return Ok(server);
            }
            self.link = None;
        }
        let options = &self.sentinels.options;
        let deadline = Instant::now() + options.connect_limit().min(LIMIT);
        let (server, link) = ask::any(&self.sentinels, deadline).await?;
        // It may be behind the one that led here.
        if server != self.server {
            connect::prove(&options.at(&server), deadline).await?;
        }
        self.link = Some(link);
        Ok(server)
    }
}

/// Asks the sentinel that answered last; it may have become of no use.
async fn ask_again(link: &mut Link, service: &str) -> Option<Server> {
    let client = link.client().clone();
    tokio::select! {
        answer = timeout(PATIENCE, ask::ask(&client, service)) => answer.ok()?.ok(),
        // fred would not answer any more.
        _ = link.lost() => None,
    }
}
