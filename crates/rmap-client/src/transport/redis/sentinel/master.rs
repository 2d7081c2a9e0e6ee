//! The server that a sentinel has named.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::error::ConnectError;
use super::super::fred::Link;
use super::super::server::Server;
use super::ask::{self, Sentinels};
use super::role;

/// Interval between two questions to a sentinel, which answers from memory.
const INTERVAL: Duration = Duration::from_millis(250);

/// Longest interval between questions to all sentinels while none answers.
const LONGEST_INTERVAL: Duration = Duration::from_secs(2);

/// Time that one sentinel has to answer, before the others are asked as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time that all sentinels have to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The server that a sentinel has named, and the means to learn of another one.
#[derive(Debug)]
pub(in super::super) struct Master {
    pub(super) sentinels: Sentinels,
    pub(super) server: Server,
    /// The sentinel that answered last; `None` after it failed to answer.
    pub(super) link: Option<Link>,
}

impl Master {
    /// Resolves with the name of the new server when a sentinel names another one. Without an answer the server
    /// counts as unchanged.
    pub(in super::super) async fn moved(&mut self) -> Server {
        // The interval grows while no sentinel answers.
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
    pub(in super::super) async fn abort(self) {
        if let Some(link) = self.link {
            link.abort().await;
        }
    }

    /// Asks again after the interval. Without an answer the server stays the same.
    pub(super) async fn ask_later(&mut self) {
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
            if let Some(server) = ask_again(link, &self.sentinels).await {
                return Ok(server);
            }
            self.link = None;
        }
        let options = &self.sentinels.options;
        let deadline = Instant::now() + options.connect_limit().min(LIMIT);
        let (server, link) = ask::any(&self.sentinels, deadline).await?;
        // This sentinel may lag behind the one that named the current server.
        if server != self.server {
            role::prove(&options.at(&server), deadline).await?;
        }
        self.link = Some(link);
        Ok(server)
    }
}

/// Asks the sentinel that answered last, which may be gone.
async fn ask_again(link: &mut Link, sentinels: &Sentinels) -> Option<Server> {
    let commands = link.commands().clone();
    tokio::select! {
        answer = timeout(PATIENCE, ask::ask(&sentinels.options, &commands, &sentinels.service)) => answer.ok()?.ok(),
        // The library would never answer.
        _ = link.lost() => None,
    }
}
