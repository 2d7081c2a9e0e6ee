//! Where a body runs: a real server or the one in memory, with a view past the map at the hash and at what is published.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration_tests::{Listener, Server, must_end};
use redis::{Cmd, Connection, cmd};
use rmap_client::proto::{Mark, Read};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{Event, Transport};
use rmap_client::{
    Client, ClientBuilder, Error, Key, Map, MapBuilder, MapName, MapSettings, MemoryServer, Outcome,
};

use crate::every::Named;

pub(crate) type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

const NAME: &str = "flags";

/// Published to know that everything before has arrived.
const FENCE: &[u8] = b"fence";

/// A server with the map `flags`, which nobody has joined yet.
pub(crate) struct World {
    server: Kind,
    client: Client,
    name: MapName,
}

enum Kind {
    Redis(Box<Redis>),
    Memory { server: MemoryServer, listener: Arc<MemoryTransport> },
}

struct Redis {
    server: Server,
    raw: Connection,
    listener: Listener,
}

impl World {
    pub(crate) async fn redis() -> Self {
        let (server, name) = (Server::start(), MapName::new(NAME).unwrap());
        let listener = Listener::new(&server, name.updates_channel());
        let client = must_end(quiet().connect(server.url())).await.unwrap();
        let raw = server.connection();
        Self { server: Kind::Redis(Box::new(Redis { server, raw, listener })), client, name }
    }

    pub(crate) async fn memory() -> Self {
        let (server, name) = (MemoryServer::new(), MapName::new(NAME).unwrap());
        let listener = server.transport();
        listener.subscribe(&[name.updates_channel(), Bytes::from_static(FENCE)]).await.unwrap();
        let client = quiet().with_transport(server.transport());
        Self { server: Kind::Memory { server, listener }, client, name }
    }

    pub(crate) const fn name(&self) -> &MapName {
        &self.name
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// A client of its own.
    pub(crate) async fn another_client(&self) -> Client {
        match &self.server {
            Kind::Redis(redis) => must_end(quiet().connect(redis.server.url())).await.unwrap(),
            Kind::Memory { server, .. } => quiet().with_transport(server.transport()),
        }
    }

    /// A connection of the real server.
    pub(crate) fn raw(&mut self) -> &mut Connection {
        match &mut self.server {
            Kind::Redis(redis) => &mut redis.raw,
            Kind::Memory { .. } => panic!("the server in memory has none"),
        }
    }

    /// Begins a join of the map.
    pub(crate) fn map(&self) -> MapBuilder {
        self.client.map(NAME)
    }

    pub(crate) async fn join(&self) -> Map {
        must_end(self.map().join()).await.unwrap()
    }

    /// Joins the map over a hash at revision 6 with these keys.
    pub(crate) async fn join_with<V: AsRef<[u8]>>(&mut self, content: &[(&str, V)]) -> Map {
        self.plant("=rev", "6");
        self.plant("=kind", "set");
        for (key, value) in content {
            self.plant(key, value);
        }
        self.join().await
    }

    /// A hash at revision 6 with 5 for `k`, as the writes of [`every`](crate::every) need it.
    pub(crate) fn begin(&mut self, ttl: Option<Duration>) {
        self.delete_hash();
        for (field, value) in [("=rev", "6"), ("=kind", "set"), ("k", "5")] {
            self.plant(field, value);
        }
        self.expire(ttl);
    }

    /// Sets a field past the map: nothing is published.
    pub(crate) fn plant(&mut self, field: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        match &mut self.server {
            Kind::Redis(redis) => {
                on_hash(&self.name, "HSET")
                    .arg(field.as_ref())
                    .arg(value.as_ref())
                    .exec(&mut redis.raw)
                    .unwrap();
            }
            Kind::Memory { server, .. } => server.with_hash(&self.name, |hash, _| hash.hset(field, value)),
        }
    }

    /// Removes a field past the map.
    pub(crate) fn remove(&mut self, field: &str) {
        match &mut self.server {
            Kind::Redis(redis) => on_hash(&self.name, "HDEL").arg(field).exec(&mut redis.raw).unwrap(),
            Kind::Memory { server, .. } => {
                server.with_hash(&self.name, |hash, _| hash.hdel(field));
            }
        }
    }

    /// Deletes the hash past the map.
    pub(crate) fn delete_hash(&mut self) {
        match &mut self.server {
            Kind::Redis(redis) => on_hash(&self.name, "DEL").exec(&mut redis.raw).unwrap(),
            Kind::Memory { server, .. } => server.with_hash(&self.name, |hash, _| hash.delete_hash()),
        }
    }

    /// Gives the hash a time to live past the map, or takes it away.
    pub(crate) fn expire(&mut self, ttl: Option<Duration>) {
        let millis = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap());
        match &mut self.server {
            Kind::Redis(redis) => match millis {
                Some(millis) => on_hash(&self.name, "PEXPIRE").arg(millis).exec(&mut redis.raw).unwrap(),
                None => on_hash(&self.name, "PERSIST").exec(&mut redis.raw).unwrap(),
            },
            Kind::Memory { server, .. } => server.with_hash(&self.name, |hash, now| match ttl {
                Some(ttl) => hash.expire(now, ttl),
                None => hash.persist(),
            }),
        }
    }

    /// What remains of the hash's time to live.
    pub(crate) fn ttl(&mut self) -> Option<Duration> {
        match &mut self.server {
            Kind::Redis(redis) => {
                let left: i64 = on_hash(&self.name, "PTTL").query(&mut redis.raw).unwrap();
                u64::try_from(left).ok().map(Duration::from_millis)
            }
            Kind::Memory { server, .. } => server.with_hash(&self.name, |hash, now| hash.ttl(now)),
        }
    }

    /// Makes the server unreachable for good.
    pub(crate) fn go_away(&self) {
        match &self.server {
            Kind::Redis(redis) => redis.server.kill(),
            Kind::Memory { server, .. } => server.go_down(),
        }
    }

    /// All fields of the hash.
    pub(crate) fn hash(&mut self) -> Fields {
        match &mut self.server {
            Kind::Redis(redis) => on_hash(&self.name, "HGETALL").query(&mut redis.raw).unwrap(),
            Kind::Memory { server, .. } => server.with_hash(&self.name, |hash, now| {
                hash.advance(now);
                hash.fields().into_iter().map(|(field, value)| (field.into(), value.into())).collect()
            }),
        }
    }

    /// The server's clock in milliseconds since the Unix epoch.
    pub(crate) fn clock(&mut self) -> u64 {
        match &mut self.server {
            Kind::Redis(redis) => {
                let (seconds, micros): (u64, u64) = cmd("TIME").query(&mut redis.raw).unwrap();
                seconds * 1000 + micros / 1000
            }
            Kind::Memory { server, .. } => server.with_hash(&self.name, |_, now| now),
        }
    }

    /// What was published on the map's channel since the last call.
    pub(crate) async fn published(&self) -> Vec<Vec<u8>> {
        match &self.server {
            Kind::Redis(redis) => redis.listener.take(),
            Kind::Memory { listener, .. } => must_end(take(listener)).await,
        }
    }

    /// The hash holds exactly this: the revision, the kind of the last change, the content.
    #[track_caller]
    pub(crate) fn holds<V: AsRef<[u8]>>(&mut self, revision: u64, kind: &str, content: &[(&str, V)]) {
        let mut expected: Fields =
            content.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_ref().to_vec())).collect();
        expected.insert(b"=rev".to_vec(), revision.to_string().into_bytes());
        expected.insert(b"=kind".to_vec(), kind.as_bytes().to_vec());
        assert_eq!(self.hash(), expected);
    }

    /// The outcome of a write that must change nothing in the hash and publish nothing.
    pub(crate) async fn unchanged_by<T>(&mut self, writing: impl Future<Output = T>) -> T {
        let (before, published) = (self.hash(), self.published().await);
        assert!(published.is_empty(), "not looked at yet: {published:?}");
        let outcome = must_end(writing).await;
        assert!(self.hash() == before, "the hash was changed");
        let published = self.published().await;
        assert!(published.is_empty(), "published: {published:?}");
        outcome
    }

    /// Fails unless the write fails with this error, changes nothing and publishes nothing.
    pub(crate) async fn refuses<T: Debug>(
        &mut self,
        writing: impl Future<Output = Result<T, Error>>,
        expected: Error,
    ) {
        let error = self.unchanged_by(writing).await.unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    }

    /// Fails unless each of the writes fails with this error, changes nothing and publishes nothing.
    pub(crate) async fn refuses_all(&mut self, writes: Vec<Named<'_>>, expected: &Error) {
        for (name, writing) in writes {
            let outcome = self.unchanged_by(writing).await;
            assert_eq!(outcome.as_ref(), Err(expected), "{name}");
            assert_eq!(expected.outcome(), Some(Outcome::Rejected), "{name}: {expected}");
        }
    }
}

/// A client that sends nothing by itself.
fn quiet() -> ClientBuilder {
    Client::builder().maps(MapSettings::default().probe_interval(Duration::from_secs(3600)))
}

pub(crate) fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

fn on_hash(name: &MapName, command: &str) -> Cmd {
    let mut command = cmd(command);
    command.arg(&name.hash_key()[..]);
    command
}

/// The payloads in front of a mark of ours.
async fn take(listener: &MemoryTransport) -> Vec<Vec<u8>> {
    let mark = Mark::new(Bytes::from_static(FENCE), 0);
    // A read of another map: this one's hash may be corrupt.
    let other = MapName::new(FENCE).unwrap();
    listener.read(&other, &Read::Probe { mark }).await.unwrap();
    let mut payloads = Vec::new();
    loop {
        match listener.next_event().await {
            Event::Message { channel, .. } if channel == FENCE => return payloads,
            Event::Message { payload, .. } => payloads.push(payload.to_vec()),
            Event::Connected { .. } => {}
            Event::Disconnected { .. } | Event::Lagged { .. } | Event::Closed => {
                panic!("the listener lost its connection or messages")
            }
            _ => panic!("the listener met an event that is new to it"),
        }
    }
}
