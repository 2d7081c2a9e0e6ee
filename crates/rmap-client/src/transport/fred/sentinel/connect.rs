//! Connecting to the master that sentinels name.

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::{ClusterHash, CustomCommand, Value};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::super::error::{ConnectError, describe};
use super::super::options::FredOptions;
use super::super::pair::{self, Links, Pair};
use super::ask::{self, Failure};
use super::{Master, Sentinels};

/// Makes a pair of connections to the master, within the time for that.
///
/// A sentinel may be cut off from the others and name a server that is gone or that is no master any more. So each server
/// that any of them names is tried, and the first that proves to be a master is taken.
pub(in super::super) async fn connect(
    options: &FredOptions,
    sentinels: &Sentinels,
    number: u64,
) -> Result<(Pair, Links), ConnectError> {
    let deadline = Instant::now() + options.connect_limit();
    let mut asking = ask::all(options, sentinels, deadline);
    let mut connecting = JoinSet::new();
    let mut named = Vec::new();
    let mut failure = Failure::default();
    loop {
        tokio::select! {
            Some(answer) = ask::next(&mut asking) => match answer {
                Ok((server, _)) if named.contains(&server) => {}
                Ok((server, link)) => {
                    named.push(server.clone());
                    let (options, sentinels) = (options.clone(), sentinels.clone());
                    let master = Master { options, sentinels, server, link: Some(link) };
                    connecting.spawn(connect_to(master, number, deadline));
                }
                Err(error) => failure.add(error),
            },
            Some(connected) = ask::next(&mut connecting) => match connected {
                Ok(connected) => return Ok(connected),
                Err(error) => failure.add(error),
            },
            else => return Err(failure.into_error(options)),
        }
    }
}

/// Connects to the master, and to another one if the sentinel has meanwhile changed its mind.
async fn connect_to(
    mut master: Master,
    number: u64,
    deadline: Instant,
) -> Result<(Pair, Links), ConnectError> {
    loop {
        let options = master.options.at(&master.server);
        let connected = tokio::select! {
            connected = timeout_at(deadline, connect_to_master(&options, number)) => connected,
            server = master.moved() => {
                master.server = server;
                continue;
            }
        };
        let (pair, mut links) = connected.map_err(|_| ConnectError::silent(&options))??;
        links.follow(master);
        return Ok((pair, links));
    }
}

async fn connect_to_master(options: &FredOptions, number: u64) -> Result<(Pair, Links), ConnectError> {
    let (pair, links) = pair::connect_to(options, number).await?;
    check_role(pair.commands()).await.map_err(|error| ConnectError::from_fred(&options.address(), &error))?;
    Ok((pair, links))
}

/// Makes sure that the server that was named takes itself for a master, too. Who may not ask that finds out with the
/// first write.
async fn check_role(server: &Client) -> Result<(), Error> {
    let role = CustomCommand::new_static("ROLE", ClusterHash::FirstKey, false);
    match server.custom::<Vec<Value>, Value>(role, Vec::new()).await {
        Ok(answer) if answer.first().and_then(Value::as_str).as_deref() == Some("master") => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Sentinel, "a sentinel named this server, but it is no master")),
        Err(error) => {
            tracing::debug!(error = describe(&error), "the server does not tell its role");
            Ok(())
        }
    }
}
