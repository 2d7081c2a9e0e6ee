//! Checks that a server takes itself for a master.

use rmap_proto::Reply;
use tokio::time::{Instant, timeout_at};

use super::super::connect::commands;
use super::super::error::ConnectError;
use super::super::fred::Commands;
use super::super::options::RedisOptions;

/// Makes sure that there is a master.
pub(super) async fn prove(options: &RedisOptions, deadline: Instant) -> Result<(), ConnectError> {
    let proof = async {
        let link = commands::open(options).await?;
        check(options, link.commands()).await
    };
    timeout_at(deadline, proof).await.unwrap_or_else(|_| Err(options.silent()))
}

/// Makes sure that a server takes itself for a master. Without the right to ask, the first write finds out.
pub(super) async fn check(options: &RedisOptions, server: &Commands) -> Result<(), ConnectError> {
    match server.ask("ROLE").await.map_err(|failure| options.failed(&failure))? {
        Ok(Reply::Array(parts)) if parts.first() == Some(&Reply::Bytes("master".into())) => Ok(()),
        Ok(_) => Err(ConnectError::Other {
            address: options.address(),
            reason: "a sentinel named this server, but it is no master".to_owned(),
        }),
        Err(error) => {
            tracing::debug!(%error, "the server does not name its role");
            Ok(())
        }
    }
}
