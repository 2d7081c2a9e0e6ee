//! The subscriber connection of a pair to a cluster.

use super::super::error::ConnectError;
use super::super::fred::Commands;
use super::super::options::RedisOptions;
use super::super::subscriber::{self, Listener, Messages, Subscriber};

/// Connects to any master of a cluster. Each master forwards notifications published at the others.
pub(super) async fn subscribe(
    options: &RedisOptions,
    cluster: &Commands,
) -> Result<(Subscriber, Messages, Listener), ConnectError> {
    let mut masters = cluster.masters();
    fastrand::shuffle(&mut masters);
    let mut failure = None;
    for server in &masters {
        match tokio::time::timeout(options.step_limit(), subscriber::connect(options, server)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failure = Some(error),
            Err(_) => failure = Some(options.silent()),
        }
    }
    Err(failure.unwrap_or_else(|| ConnectError::Other {
        address: options.address(),
        reason: "the cluster names no master".to_owned(),
    }))
}
