//! Asking sentinels for the master.

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::config::Server;
use ::fred::types::{ClusterHash, CustomCommand};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::super::error::ConnectError;
use super::super::link::Link;
use super::super::options::FredOptions;
use super::Sentinels;

/// What a sentinel named, and the connection to it.
pub(super) type Answer = (Server, Link);

/// Attempts of which each ends by itself.
pub(super) type Attempts<T> = JoinSet<Result<T, ConnectError>>;

/// Asks all sentinels at once, so that one that is silent holds up nobody.
pub(super) fn all(options: &FredOptions, sentinels: &Sentinels, deadline: Instant) -> Attempts<Answer> {
    let mut asking = JoinSet::new();
    for host in sentinels.hosts.clone() {
        let (options, service) = (options.of_sentinel(&host), sentinels.service.clone());
        asking.spawn(async move {
            timeout_at(deadline, first(&options, host, &service))
                .await
                .map_err(|_| ConnectError::silent(&options))?
                .map_err(|error| ConnectError::from_fred(&options.address(), &error))
        });
    }
    asking
}

/// The first answer of any sentinel.
pub(super) async fn any(
    options: &FredOptions,
    sentinels: &Sentinels,
    deadline: Instant,
) -> Result<Answer, ConnectError> {
    let mut asking = all(options, sentinels, deadline);
    let mut failure = Failure::default();
    while let Some(answer) = next(&mut asking).await {
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => failure.add(error),
        }
    }
    Err(failure.into_error(options))
}

/// The next attempt that ends; `None` when all have ended.
pub(super) async fn next<T: 'static>(attempts: &mut Attempts<T>) -> Option<Result<T, ConnectError>> {
    let ended = attempts.join_next().await?;
    Some(ended.unwrap_or_else(|error| {
        Err(ConnectError::Other { address: "a sentinel".to_owned(), reason: error.to_string() })
    }))
}

async fn first(options: &FredOptions, host: Server, service: &str) -> Result<Answer, Error> {
    #[cfg(feature = "credential-provider")]
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

/// Of several failures the one to be told.
#[derive(Debug, Default)]
pub(super) struct Failure(Option<ConnectError>);

impl Failure {
    /// What somebody answered says more than that somebody did not, and of two the later is closer to the goal.
    pub(super) fn add(&mut self, error: ConnectError) {
        let answered = |error: &ConnectError| !matches!(error, ConnectError::Unreachable { .. });
        if answered(&error) || !self.0.as_ref().is_some_and(answered) {
            self.0 = Some(error);
        }
    }

    pub(super) fn into_error(self, options: &FredOptions) -> ConnectError {
        let none =
            || ConnectError::Other { address: options.address(), reason: "no sentinel is given".to_owned() };
        self.0.unwrap_or_else(none)
    }
}
