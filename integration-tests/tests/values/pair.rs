//! Two clients of one map, with the server and a third client as witnesses.

use integration_tests::{Listener, Server, must_end};
use redis::{Connection, cmd};
use rmap_client::proto::{self, Notification};
use rmap_client::{Change, Client, Key, Map};

/// A server with one map, joined by a writer and a reader that share no connection.
pub(crate) struct Pair {
    pub(crate) server: Server,
    pub(crate) raw: Connection,
    pub(crate) writer: Map,
    pub(crate) reader: Map,
    listener: Listener,
}

impl Pair {
    pub(crate) async fn new(name: impl AsRef<[u8]>) -> Self {
        let (server, name) = (Server::start(), name.as_ref());
        let writer = join(&server, name).await;
        let reader = join(&server, name).await;
        let listener = Listener::new(&server, writer.name().updates_channel());
        let raw = server.connection();
        Self { server, raw, writer, reader, listener }
    }

    /// Sets a key and reads it everywhere.
    pub(crate) async fn check(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (key, value) = (key.as_ref(), value.as_ref());
        let (before, born) = (self.reader.get(key), self.reader.revision().is_none());
        let mut changes = self.reader.changes();
        let written = self.writer.set(key, value).await.unwrap();
        assert!(written.previous == before, "key {}", key.escape_ascii());

        let change = proto::Change::Set { key, value };
        let expected = Notification::new(written.revision, change).born(born);
        assert!(self.published() == [expected.encode()], "notification of key {}", key.escape_ascii());
        assert!(self.stored(key).as_deref() == Some(value), "hash field {}", key.escape_ascii());

        must_end(self.reader.wait_for(written.revision)).await.unwrap();
        must_end(self.writer.wait_for(written.revision)).await.unwrap();
        for map in [&self.writer, &self.reader] {
            holds(map, key, value);
        }
        if before.as_ref().is_none_or(|before| before != value) {
            let revision = Some(written.revision);
            let expected =
                Change { revision, key: Key::new(key).unwrap(), old: before, new: Some(value.into()) };
            let change = must_end(changes.next()).await.unwrap();
            assert!(change == expected, "change of key {}", key.escape_ascii());
        }
    }

    /// Publications on the map's channel since the last call.
    pub(crate) fn published(&self) -> Vec<Vec<u8>> {
        self.listener.take()
    }

    /// The field of the hash.
    pub(crate) fn stored(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        cmd("HGET").arg(&self.writer.name().hash_key()[..]).arg(key).query(&mut self.raw).unwrap()
    }

    /// Another replica, joined now.
    pub(crate) async fn join(&self) -> Map {
        join(&self.server, self.writer.name().as_bytes()).await
    }
}

pub(crate) async fn join(server: &Server, name: &[u8]) -> Map {
    let client = Client::connect(server.url()).await.unwrap();
    must_end(client.map(name).join()).await.unwrap()
}

/// Checks that every way of reading finds the value.
pub(crate) fn holds(map: &Map, key: &[u8], value: &[u8]) {
    let shown = key.escape_ascii();
    assert!(map.get(key).is_some_and(|found| found == value), "get {shown}");
    assert_eq!(map.with(key, |found| found == value), Some(true), "with {shown}");
    assert!(map.contains(key), "contains {shown}");
    let view = map.view();
    assert!(view.get(key).is_some_and(|found| found == value), "view {shown}");
    assert!(view.iter().any(|(found, held)| found == key && held == value), "entries {shown}");
}
