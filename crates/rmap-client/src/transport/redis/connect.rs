//! Making a pair of connections.

mod cluster;
pub(super) mod commands;
pub(super) mod server;

use super::error::ConnectError;
use super::options::RedisOptions;
use super::pair::{Links, Pair};
use super::sentinel::{self, Sentinels};
use crate::transport::BoxFuture;

/// Makes both connections, in one attempt.
///
/// # Cancel safety
///
/// Dropping the future leaves neither a connection nor a task behind.
pub(super) fn connect(
    options: &RedisOptions,
    number: u64,
) -> BoxFuture<'_, Result<(Pair, Links), ConnectError>> {
    // Boxed, because many futures are nested below: callers that nest theirs would reach the compiler's limit.
    Box::pin(async move {
        if let Some(sentinels) = Sentinels::of(options) {
            return sentinel::connect(&sentinels, number).await;
        }
        tokio::time::timeout(options.connect_limit(), server::connect(options, number))
            .await
            .unwrap_or_else(|_| Err(options.silent()))
    })
}
