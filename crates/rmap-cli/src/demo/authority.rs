//! The server of the demo, seen past rmap: what it holds, and how its subscribers lose their connections.

use std::collections::BTreeMap;

use redis::cmd;
use rmap_client::{Client, MapName, MemoryServer, View};

use super::server::PrivateServer;
use crate::command_error::CommandError;
use crate::output;

/// The map that the replicas share.
pub(super) const MAP: &str = "demo";

pub(super) enum Authority {
    Redis { server: PrivateServer, connection: redis::Connection },
    Memory(MemoryServer),
}

/// All that the server holds of the map.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) revision: Option<u64>,
    pub(super) entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Authority {
    /// A private server when one is on the PATH, else one in memory.
    pub(super) fn start() -> Result<Self, CommandError> {
        match PrivateServer::start().map_err(|error| CommandError::Server(error.to_string()))? {
            Some(server) => {
                let connection = redis::Client::open(server.url())
                    .and_then(|client| client.get_connection())
                    .map_err(unanswered)?;
                Ok(Self::Redis { server, connection })
            }
            None => {
                output::notice(
                    "rmap: no redis-server or valkey-server on the PATH: the demo uses the in-memory transport",
                );
                Ok(Self::Memory(MemoryServer::new()))
            }
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Redis { server, .. } => format!("a private {}", server.program()),
            Self::Memory(_) => "a server in memory".to_owned(),
        }
    }

    pub(super) async fn client(&self) -> Result<Client, CommandError> {
        match self {
            Self::Redis { server, .. } => Ok(Client::connect(server.url()).await?),
            Self::Memory(server) => Ok(server.client()),
        }
    }

    /// Kills every subscriber's connection; returns how many there were.
    pub(super) fn kill_subscribers(&mut self) -> Result<u64, CommandError> {
        match self {
            Self::Redis { connection, .. } => {
                cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).query(connection).map_err(unanswered)
            }
            Self::Memory(server) => {
                let connections = server.connections();
                server.drop_connections();
                Ok(u64::try_from(connections).unwrap_or(u64::MAX))
            }
        }
    }

    /// Reads what the server holds, past rmap.
    pub(super) fn content(&mut self) -> Result<Content, CommandError> {
        let name = MapName::new(MAP).map_err(|error| CommandError::Usage(error.to_string()))?;
        let fields: BTreeMap<Vec<u8>, Vec<u8>> = match self {
            Self::Redis { connection, .. } => {
                cmd("HGETALL").arg(&name.hash_key()[..]).query(connection).map_err(unanswered)?
            }
            Self::Memory(server) => server.with_hash(&name, |hash, _now| {
                hash.fields().iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
            }),
        };
        Ok(Content::from_fields(fields))
    }
}

impl Content {
    fn from_fields(mut fields: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let revision = fields.get(&b"=rev"[..]).and_then(|text| str::from_utf8(text).ok()?.parse().ok());
        fields.retain(|field, _| !field.contains(&b'='));
        Self { revision, entries: fields }
    }

    /// Number of keys that a replica lacks, has too many, or holds another value for.
    pub(super) fn differences(&self, view: &View) -> usize {
        let ours = |key: &[u8]| view.get(key).map(|value| value.as_bytes());
        let wrong = self.entries.iter().filter(|(key, value)| ours(key) != Some(value.as_slice())).count();
        let extra = view.keys().filter(|key| !self.entries.contains_key(key.as_bytes())).count();
        wrong + extra
    }
}

fn unanswered(error: redis::RedisError) -> CommandError {
    CommandError::Server(format!("the private server does not answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(entries: &[(&str, &str)]) -> Content {
        let fields =
            entries.iter().map(|(field, value)| (field.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Content::from_fields(fields.collect())
    }

    #[test]
    fn reserved_fields_are_no_content() {
        let content = content(&[("=rev", "7"), ("=kind", "set"), ("a", "1")]);
        assert_eq!(content.revision, Some(7));
        assert_eq!(content.entries.len(), 1);
    }

    #[tokio::test]
    async fn every_kind_of_difference_counts() {
        let map = Client::in_memory().map(MAP).join().await.unwrap();
        for key in ["same", "other value", "too many"] {
            map.set_and_wait(key, "1").await.unwrap();
        }
        let same = [("same", "1"), ("other value", "1"), ("too many", "1")];
        assert_eq!(content(&same).differences(&map.view()), 0);
        let different = [("same", "1"), ("other value", "2"), ("missing", "1")];
        assert_eq!(content(&different).differences(&map.view()), 3);
    }
}
