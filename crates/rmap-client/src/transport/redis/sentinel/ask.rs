//! Asking sentinels for the master.

use std::cmp::Ordering;

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::config::Server;
use ::fred::types::{ClusterHash, CustomCommand};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::super::error::ConnectError;
use super::super::link::Link;
use super::super::options::RedisOptions;
use super::Sentinels;

/// What a sentinel named, and the connection to it.
pub(super) type Answer = (Server, Link);

/// Questions under way, of which each ends by itself.
pub(super) type Asking = JoinSet<Result<Answer, ConnectError>>;

/// Asks all sentinels at once, so that one that is silent holds up nobody.
pub(super) fn all(sentinels: &Sentinels, deadline: Instant) -> Asking {
    let mut asking = JoinSet::new();
    for host in sentinels.hosts.clone() {
        let (options, service) = (sentinels.options.of_sentinel(&host), sentinels.service.clone());
        asking.spawn(async move {
            timeout_at(deadline, first(&options, host, &service))
                .await
                .map_err(|_| ConnectError::silent(&options))?
                .map_err(|error| ConnectError::from_fred(&options, &error))
        });
    }
    asking
}

/// The first answer of any sentinel.
pub(super) async fn any(sentinels: &Sentinels, deadline: Instant) -> Result<Answer, ConnectError> {
    let mut asking = all(sentinels, deadline);
    let mut failure = Failure::default();
    while let Some(answer) = next(&mut asking).await {
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => failure.add(Side::Sentinel, error),
        }
    }
    Err(failure.into_error(sentinels))
}

/// The next answer; `None` when all have answered or failed.
pub(super) async fn next(asking: &mut Asking) -> Option<Result<Answer, ConnectError>> {
    let ended = asking.join_next().await?;
    Some(ended.unwrap_or_else(|error| Err(broken(&error))))
}

/// A task of ours did not come to its end.
pub(super) fn broken(error: &JoinError) -> ConnectError {
    ConnectError::Other { address: "a sentinel".to_owned(), reason: error.to_string() }
}

async fn first(options: &RedisOptions, host: Server, service: &str) -> Result<Answer, Error> {
    let options = options.with_credentials_for(&host).await?;
    let link = Link::open(options.command_client()).await?;
    let server = ask(link.client(), service).await?;
    tracing::debug!(sentinel = %host, master = %server, "a sentinel names the master");
    Ok((server, link))
}

/// Asks one sentinel.
pub(super) async fn ask(sentinel: &Client, service: &str) -> Result<Server, Error> {
    let command = CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
    let args = vec!["GET-MASTER-ADDR-BY-NAME", service];
    let named: Option<(String, u16)> = sentinel.custom(command, args).await?;
    let unknown = || Error::new(ErrorKind::Sentinel, format!("the sentinel knows no master {service:?}"));
    let (host, port) = named.ok_or_else(unknown)?;
    Ok(Server::new(host, port))
}

/// Of several failures the one that is reported, whatever their order.
#[derive(Debug, Default)]
pub(super) struct Failure(Option<(Rank, ConnectError)>);

/// That of a server says more than that of a sentinel, and any answer more than none.
type Rank = (Side, bool);

/// Where an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Sentinel,
    Server,
}

impl Failure {
    pub(super) fn add(&mut self, side: Side, error: ConnectError) {
        let rank = (side, !matches!(error, ConnectError::Unreachable { .. }));
        let is_better = |(other, reported): &(Rank, ConnectError)| match rank.cmp(other) {
            Ordering::Greater => true,
            Ordering::Equal => error.to_string() < reported.to_string(),
            Ordering::Less => false,
        };
        if self.0.as_ref().is_none_or(is_better) {
            self.0 = Some((rank, error));
        }
    }

    pub(super) fn into_error(self, sentinels: &Sentinels) -> ConnectError {
        let none = || ConnectError::Other {
            address: sentinels.options.address(),
            reason: "no sentinel is given".to_owned(),
        };
        match self.0 {
            // That of one sentinel is that of all.
            Some(((Side::Sentinel, false), ConnectError::Unreachable { reason, .. })) => {
                ConnectError::Unreachable { address: sentinels.options.address(), reason }
            }
            Some((_, error)) => error,
            None => none(),
        }
    }
}
