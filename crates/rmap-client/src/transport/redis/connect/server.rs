//! A pair of connections to a server or a cluster.

use std::pin::pin;
use std::time::Duration;

use super::super::error::ConnectError;
use super::super::fred::Commands;
use super::super::options::RedisOptions;
use super::super::pair::{Links, Pair};
use super::super::subscriber;
use super::{cluster, commands};

/// Extra time for the subscriber connection to fail as well, after the command connection has failed.
const SECOND_OPINION: Duration = Duration::from_millis(500);

/// Makes both connections to a server or a cluster, however long that takes.
pub(in super::super) async fn connect(
    options: &RedisOptions,
    number: u64,
) -> Result<(Pair, Links), ConnectError> {
    let (commands, (subscriber, messages, listener)) = match options.target().server() {
        Some(server) => both(commands::open(options), subscriber::connect(options, &server)).await?,
        None => {
            let commands = commands::open(options).await?;
            let subscriber = cluster::subscribe(options, commands.commands()).await?;
            (commands, subscriber)
        }
    };
    check_version(options, commands.commands())?;
    let is_single = options.target().server().is_some();
    let handle = commands.commands().clone();
    let pair = Pair::new(number, options.address(), is_single, handle, (subscriber, messages));
    Ok((pair, Links::new(commands, listener)))
}

/// Waits until both connections are ready, or one of them fails.
///
/// When both fail, the error is that of the subscriber connection, whichever failed first. The library below the
/// command connection says the same in other words, or less.
async fn both<C, S, E>(
    commands: impl Future<Output = Result<C, E>>,
    subscriber: impl Future<Output = Result<S, E>>,
) -> Result<(C, S), E> {
    let (mut commands, mut subscriber) = (pin!(commands), pin!(subscriber));
    tokio::select! {
        biased;
        subscribed = &mut subscriber => {
            let subscribed = subscribed?;
            Ok((commands.await?, subscribed))
        }
        opened = &mut commands => match opened {
            Ok(opened) => Ok((opened, subscriber.await?)),
            Err(error) => match tokio::time::timeout(SECOND_OPINION, subscriber).await {
                Ok(Err(better)) => Err(better),
                Ok(Ok(_)) | Err(_) => Err(error),
            },
        },
    }
}

/// A server may hide its version; then the check of the first map reads it.
fn check_version(options: &RedisOptions, commands: &Commands) -> Result<(), ConnectError> {
    match commands.version() {
        Some((major, version)) if major < 7 => {
            Err(ConnectError::ServerTooOld { address: options.address(), version })
        }
        Some(_) | None => Ok(()),
    }
}
