//! Common parts of the tests of the Redis transport.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use integration_tests::Server;
use rmap_client::transport::redis::{ConnectError, RedisOptions, RedisTransport};
use rmap_client::transport::{Event, Transport, TransportError};
use rmap_proto::{
    Key, KeyOperation, MapName, Mark, Operation, Read, ReadReply, Snapshot, Ttl, Write, WriteReply,
};

/// Longer than anything here may take. It turns a hang into a failure.
const HANG: Duration = Duration::from_secs(30);

pub(crate) async fn connect(server: &Server) -> Arc<RedisTransport> {
    RedisTransport::connect(RedisOptions::from_url(&server.url()).unwrap()).await.unwrap()
}

pub(crate) async fn connect_within(
    url: &str,
    timeout: Duration,
) -> Result<Arc<RedisTransport>, ConnectError> {
    RedisTransport::connect(RedisOptions::from_url(url).unwrap().connect_timeout(timeout)).await
}

/// The future's result. A hang fails the test.
pub(crate) async fn must<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, future).await.expect("it hangs")
}

/// Number of tasks of this runtime.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

pub(crate) fn map() -> MapName {
    MapName::new("colours").unwrap()
}

/// The channels of a subscription, in their order.
pub(crate) fn channels(map: &MapName) -> [Bytes; 2] {
    [map.updates_channel(), map.sync_channel("n1")]
}

/// Waits for a new pair of connections and returns its number. Only reasons for the missing connection may come before.
pub(crate) async fn connected(transport: &RedisTransport) -> u64 {
    loop {
        match must(transport.next_event()).await {
            Event::Connected { connection } => return connection,
            Event::Disconnected { .. } => {}
            Event::Message { .. } | Event::Lagged { .. } | Event::Closed => panic!("no connection was made"),
            _ => panic!("an event that is new to this test"),
        }
    }
}

/// Skips messages up to a disconnect.
pub(crate) async fn disconnected(transport: &RedisTransport) {
    loop {
        let event = must(transport.next_event()).await;
        if matches!(event, Event::Disconnected { .. }) {
            return;
        }
        assert!(matches!(event, Event::Message { .. }), "{event:?}");
    }
}

/// The payload of the next event, which must be a message on this channel.
pub(crate) async fn message(transport: &RedisTransport, expected: &Bytes) -> Bytes {
    let event = must(transport.next_event()).await;
    let Event::Message { channel, payload } = event else { panic!("{event:?}") };
    assert_eq!(channel, *expected);
    payload
}

pub(crate) async fn run(
    transport: &Arc<RedisTransport>,
    map: &MapName,
    operation: Operation,
) -> Result<WriteReply, TransportError> {
    Arc::clone(transport).write(map.clone(), Write::new(operation, Ttl::None)).await
}

pub(crate) fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Operation {
    Operation::Key(KeyOperation::Set {
        key: Key::new(key).unwrap(),
        value: Bytes::copy_from_slice(value.as_ref()),
    })
}

pub(crate) fn inc(key: &str) -> Operation {
    Operation::Key(KeyOperation::Inc { key: Key::new(key).unwrap(), delta: 1 })
}

pub(crate) async fn snapshot(transport: &RedisTransport, map: &MapName) -> Snapshot {
    let mark = Mark::new(map.sync_channel("test"), 1);
    let read = Read::Snapshot { mark, max_fields: 1000, max_bytes: 1 << 30 };
    match transport.read(map, &read).await {
        Ok(ReadReply::Snapshot(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn get(transport: &RedisTransport, map: &MapName, key: &[u8]) -> Option<Bytes> {
    let content = snapshot(transport, map).await.content.unwrap().content;
    content.into_iter().find_map(|(found, value)| (found == key).then_some(value))
}

/// Number of clients of the server besides this one.
pub(crate) fn clients(raw: &mut redis::Connection) -> usize {
    let list: String = redis::cmd("CLIENT").arg("LIST").query(raw).unwrap();
    list.lines().count() - 1
}

/// A server that keeps its connections but does nothing, until this value is dropped.
pub(crate) struct Paused<'a>(&'a Server);

impl<'a> Paused<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        server.pause();
        Self(server)
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}
