//! Connecting to the master that sentinels name.

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::super::connect::server;
use super::super::error::ConnectError;
use super::super::options::RedisOptions;
use super::super::pair::{Links, Pair};
use super::ask::{self, Sentinels};
use super::failure::{MostTelling, Side};
use super::master::Master;
use super::role;

/// Makes a pair of connections to the master, within the time for that.
///
/// A sentinel that is cut off from the others may name a server that is gone or is not a master any more. So each
/// server that any sentinel names is tried, and the first one that proves to be a master wins. The attempt fails when
/// all servers have failed.
pub(in super::super) async fn connect(
    sentinels: &Sentinels,
    number: u64,
) -> Result<(Pair, Links), ConnectError> {
    let deadline = Instant::now() + sentinels.options.connect_limit();
    let mut asking = ask::all(sentinels, deadline);
    let mut connecting = JoinSet::new();
    let (report, mut failures) = mpsc::unbounded_channel();
    let mut named = Vec::new();
    let mut failure = MostTelling::default();
    let mut hopes = sentinels.hosts.len();
    while hopes > 0 {
        tokio::select! {
            Some(answer) = ask::next(&mut asking) => match answer {
                Ok((server, _)) if named.contains(&server) => hopes -= 1,
                Ok((server, link)) => {
                    named.push(server.clone());
                    let master = Master { sentinels: sentinels.clone(), server, link: Some(link) };
                    connecting.spawn(connect_to(master, number, deadline, report.clone()));
                }
                Err(error) => {
                    hopes -= 1;
                    failure.add(Side::Sentinel, error);
                }
            },
            Some(connected) = connecting.join_next() => match connected {
                Ok(connected) => return Ok(connected),
                Err(error) => return Err(ask::broken(&error)),
            },
            Some(error) = failures.recv() => {
                hopes -= 1;
                failure.add(Side::Server, error);
            }
        }
    }
    Err(failure.into_error(&sentinels.options))
}

/// Connects to the master, and to another one if the sentinel names another. It reports its first failure, and
/// continues until all others have failed, because this sentinel may be the one that learns of the next master.
async fn connect_to(
    mut master: Master,
    number: u64,
    deadline: Instant,
    report: mpsc::UnboundedSender<ConnectError>,
) -> (Pair, Links) {
    let mut report = Some(report);
    loop {
        let options = master.sentinels.options.at(&master.server);
        let connected = tokio::select! {
            connected = timeout_at(deadline, connect_to_master(&options, number)) => connected,
            server = master.moved() => {
                master.server = server;
                continue;
            }
        };
        match connected.unwrap_or_else(|_| Err(options.silent())) {
            Ok((pair, mut links)) => {
                links.follow(master);
                return (pair, links);
            }
            Err(error) => {
                if let Some(report) = report.take() {
                    // Sending fails only when the caller has gone away.
                    let _ = report.send(error);
                }
                master.ask_later().await;
            }
        }
    }
}

async fn connect_to_master(options: &RedisOptions, number: u64) -> Result<(Pair, Links), ConnectError> {
    let (pair, links) = server::connect(options, number).await?;
    role::check(options, pair.commands()).await?;
    Ok((pair, links))
}
