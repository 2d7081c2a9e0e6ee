//! Sentinels: they name the master of a service, and one day another one.
//!
//! fred asks them when it connects and then never again. A master that is replaced while it is well keeps its
//! connections until a sentinel demotes it, which takes about ten seconds, and what it acknowledges meanwhile is lost. So
//! both connections are made to the master that a sentinel has named, and the sentinel is asked again and again.

use std::time::Duration;

use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::config::Server;
use ::fred::types::{ClusterHash, CustomCommand, Value};
use tokio::time::timeout;

use super::error::describe;
use super::link::Link;
use super::options::{FredOptions, Sentinels};

/// How often a sentinel is asked. It answers from memory.
const INTERVAL: Duration = Duration::from_millis(250);

/// The server that a sentinel has named, and what it takes to learn that it is another one.
#[derive(Debug)]
pub(super) struct Master {
    options: FredOptions,
    sentinels: Sentinels,
    server: Server,
    /// The sentinel that answered last; `None` after it did not.
    link: Option<Link>,
}

impl Master {
    /// Asks one sentinel after the other, until one of them names the master.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves neither a task nor a connection behind.
    pub(super) async fn find(options: &FredOptions, sentinels: Sentinels) -> Result<Self, Error> {
        let (server, link) = ask_any(options, &sentinels).await?;
        Ok(Self { options: options.clone(), sentinels, server, link: Some(link) })
    }

    pub(super) const fn server(&self) -> &Server {
        &self.server
    }

    /// Resolves, with the reason, when a sentinel names another server. While none answers, nothing is known to have
    /// changed.
    pub(super) async fn moved(&mut self) -> String {
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.ask().await {
                Ok(server) if server != self.server => {
                    return format!("the master is {server} now, a sentinel says");
                }
                Ok(_) => {}
                Err(error) => tracing::trace!(error = describe(&error), "no sentinel names a master"),
            }
        }
    }

    /// Closes the connection to the sentinel.
    pub(super) async fn abort(self) {
        if let Some(link) = self.link {
            link.abort().await;
        }
    }

    async fn ask(&mut self) -> Result<Server, Error> {
        // Put back only after an answer: a sentinel that gives none is not asked again before the others.
        let (server, link) = match self.link.take() {
            Some(link) => (answered(&self.sentinels, ask(&link, &self.sentinels)).await?, link),
            None => ask_any(&self.options, &self.sentinels).await?,
        };
        self.link = Some(link);
        Ok(server)
    }
}

/// Makes sure that the server that was named takes itself for a master, too. Who may not ask that finds out with the
/// first write.
pub(super) async fn check_role(master: &Link) -> Result<(), Error> {
    let role = CustomCommand::new_static("ROLE", ClusterHash::FirstKey, false);
    match master.client().custom::<Vec<Value>, Value>(role, Vec::new()).await {
        Ok(answer) if answer.first().and_then(Value::as_str).as_deref() == Some("master") => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Sentinel, "the server that a sentinel named is no master")),
        Err(error) => {
            tracing::debug!(error = describe(&error), "the server does not tell its role");
            Ok(())
        }
    }
}

async fn ask_any(options: &FredOptions, sentinels: &Sentinels) -> Result<(Server, Link), Error> {
    let mut failure = Error::new(ErrorKind::Config, "no sentinel is given");
    for host in &sentinels.hosts {
        let asked = answered(sentinels, async {
            let link = Link::open(options.sentinel_client(host)).await?;
            Ok((ask(&link, sentinels).await?, link))
        });
        match asked.await {
            Ok(found) => return Ok(found),
            Err(error) => {
                tracing::debug!(sentinel = %host, error = describe(&error), "a sentinel is of no use");
                failure = error;
            }
        }
    }
    Err(failure)
}

async fn ask(sentinel: &Link, sentinels: &Sentinels) -> Result<Server, Error> {
    let command = CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
    let args = vec!["GET-MASTER-ADDR-BY-NAME", sentinels.service.as_str()];
    let named: Option<(String, u16)> = sentinel.client().custom(command, args).await?;
    let (host, port) = named.ok_or_else(|| {
        Error::new(ErrorKind::Sentinel, format!("the sentinel knows no master {:?}", sentinels.service))
    })?;
    Ok(Server::new(host, port))
}

/// A sentinel that is silent must leave time for the others.
async fn answered<T>(
    sentinels: &Sentinels,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let silent =
        |_| Err(Error::new(ErrorKind::Timeout, format!("nothing heard within {:?}", sentinels.patience)));
    timeout(sentinels.patience, answer).await.unwrap_or_else(silent)
}
