//! A connection and one map for the time of one command.

use std::ffi::OsStr;

use rmap_client::{Client, Map, MapBuilder, MapSettings};

use crate::args::{Lifetime, Server};
use crate::command_error::CommandError;

/// Joins a map.
pub(crate) async fn join(server: &Server, map: &OsStr) -> Result<Map, CommandError> {
    join_with(server, map, |builder| builder).await
}

/// Joins a map for writes with this time to live.
pub(crate) async fn join_for(server: &Server, map: &OsStr, lifetime: Lifetime) -> Result<Map, CommandError> {
    join_with(server, map, |builder| match lifetime {
        Lifetime { ttl: Some(ttl), .. } => builder.ttl(ttl),
        Lifetime { sliding_ttl: Some(ttl), .. } => builder.sliding_ttl(ttl),
        Lifetime { ttl: None, sliding_ttl: None } => builder,
    })
    .await
}

async fn join_with(
    server: &Server,
    map: &OsStr,
    settings: impl FnOnce(MapBuilder) -> MapBuilder,
) -> Result<Map, CommandError> {
    let client = Client::builder()
        .connect_timeout(server.timeout)
        .command_timeout(server.timeout)
        .maps(MapSettings::default().join_timeout(server.timeout).sync_timeout(server.timeout))
        .connect(&server.redis)
        .await?;
    Ok(settings(client.map(map.as_encoded_bytes())).join().await?)
}
