//! Asking sentinels for the master.

use rmap_proto::Reply;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::super::error::ConnectError;
use super::super::fred::{Commands, Link};
use super::super::options::RedisOptions;
use super::super::server::Server;
use super::failure::{MostTelling, Side};

/// The sentinels that know the master.
#[derive(Debug, Clone)]
pub(in super::super) struct Sentinels {
    pub(super) options: RedisOptions,
    pub(super) hosts: Vec<Server>,
    /// Their name for the master and its replicas.
    pub(super) service: String,
}

impl Sentinels {
    /// The sentinels in these options, if sentinels lead to the server.
    pub(in super::super) fn of(options: &RedisOptions) -> Option<Self> {
        let service = options.target().service()?.to_owned();
        Some(Self { options: options.clone(), hosts: options.target().hosts(), service })
    }
}

/// The server that a sentinel named, and the connection to that sentinel.
pub(super) type Answer = (Server, Link);

/// Questions in flight, each with its own time limit.
pub(super) type Asking = JoinSet<Result<Answer, ConnectError>>;

/// Asks all sentinels at once, so that a silent one does not delay the others.
pub(super) fn all(sentinels: &Sentinels, deadline: Instant) -> Asking {
    let mut asking = JoinSet::new();
    for host in sentinels.hosts.clone() {
        let (options, service) = (sentinels.options.of_sentinel(&host), sentinels.service.clone());
        asking.spawn(async move {
            timeout_at(deadline, first(&options, host, &service))
                .await
                .unwrap_or_else(|_| Err(options.silent()))
        });
    }
    asking
}

/// The first answer of any sentinel.
pub(super) async fn any(sentinels: &Sentinels, deadline: Instant) -> Result<Answer, ConnectError> {
    let mut asking = all(sentinels, deadline);
    let mut failure = MostTelling::default();
    while let Some(answer) = next(&mut asking).await {
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => failure.add(Side::Sentinel, error),
        }
    }
    Err(failure.into_error(&sentinels.options))
}

/// The next answer; `None` when all have answered or failed.
pub(super) async fn next(asking: &mut Asking) -> Option<Result<Answer, ConnectError>> {
    let ended = asking.join_next().await?;
    Some(ended.unwrap_or_else(|error| Err(broken(&error))))
}

/// A task did not run to its end.
pub(super) fn broken(error: &JoinError) -> ConnectError {
    ConnectError::Other { address: "a sentinel".to_owned(), reason: error.to_string() }
}

async fn first(options: &RedisOptions, host: Server, service: &str) -> Result<Answer, ConnectError> {
    let options = options.with_credentials_for(&host).await?;
    let failed = |failure| options.failed(&failure);
    let link = Link::open(options.target(), options.step_limit()).await.map_err(failed)?;
    let server = ask(&options, link.commands(), service).await?;
    tracing::debug!(sentinel = %host, master = %server, "a sentinel names the master");
    Ok((server, link))
}

/// Asks one sentinel.
pub(super) async fn ask(
    options: &RedisOptions,
    sentinel: &Commands,
    service: &str,
) -> Result<Server, ConnectError> {
    let answer = sentinel.ask_for_master(service).await.map_err(|failure| options.failed(&failure))?;
    let reply = answer.map_err(|error| ConnectError::from_server(options.address(), &error))?;
    address(&reply).ok_or_else(|| ConnectError::Other {
        address: options.address(),
        reason: format!("the sentinel knows no master {service:?}"),
    })
}

/// Host and port of a master.
fn address(reply: &Reply) -> Option<Server> {
    let Reply::Array(parts) = reply else { return None };
    let [Reply::Bytes(host), Reply::Bytes(port)] = &parts[..] else { return None };
    let (host, port) = (str::from_utf8(host).ok()?.to_owned(), str::from_utf8(port).ok()?.parse().ok()?);
    Some(Server::new(host, port))
}
