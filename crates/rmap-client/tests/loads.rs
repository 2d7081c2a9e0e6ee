//! Loads and updates while others write.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rmap_client::model::Authority;
use rmap_client::proto::{Key, KeyOperation, Operation, Read, ReadReply, Ttl, Write, WriteReply};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Error, Map, MapName, MapSettings, MemoryServer, Reason, Value};

/// Somebody who writes before each of so many writes of this client.
#[derive(Debug)]
struct Meddled {
    own: Arc<MemoryTransport>,
    other: Arc<MemoryTransport>,
    left: AtomicU32,
}

impl Transport for Meddled {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(async move {
            let take = |left: u32| left.checked_sub(1);
            if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                let (key, value) = (Key::new("meddled").unwrap(), Bytes::from_static(b"x"));
                let set = Operation::Key(KeyOperation::Set { key, value });
                Arc::clone(&self.other).write(map.clone(), Write::new(set, Ttl::None)).await?;
            }
            Arc::clone(&self.own).write(map, write).await
        })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.own.read(map, read)
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.own.check(map)
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.own.subscribe(channels)
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.own.unsubscribe(channels)
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        self.own.next_event()
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.own.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.own.close()
    }
}

async fn meddled(times: u32, settings: MapSettings) -> (MemoryServer, Map) {
    let server = MemoryServer::new();
    let (own, other) = (server.transport(), server.transport());
    let client: Client =
        Client::builder().with_transport(Arc::new(Meddled { own, other, left: AtomicU32::new(times) }));
    let map = client.map("flags").settings(settings).join().await.unwrap();
    (server, map)
}

const ENTRIES: [(&str, &str); 3] = [("a", "1"), ("b", "2"), ("c", "3")];

fn fields(hash: &Authority) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let entries = hash.fields();
    let shown = entries.iter().filter(|(field, _)| field[0] != b'=');
    shown.map(|(field, value)| (text(field), text(value))).collect()
}

fn expected() -> Vec<(String, String)> {
    ENTRIES.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_load_ends_with_exactly_its_entries_whoever_writes_meanwhile() {
    for times in [1, 3, 15] {
        let (server, map) = meddled(times, MapSettings::default()).await;
        let loaded = map.load_difference(ENTRIES).await.unwrap();
        assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (3, 1, 0), "{times}");
        assert_eq!(server.with_hash(map.name(), |hash, _| fields(hash)), expected());
        map.wait_for(loaded.revision).await.unwrap();
        assert_eq!(map.view().revision(), loaded.revision);
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_against_one_who_always_writes_is_given_up() {
    let (_server, map) = meddled(u32::MAX, MapSettings::default()).await;
    let error = map.load_difference(ENTRIES).await.unwrap_err();
    assert_eq!(error, Error::Contended { map: map.name().clone(), key: None, tries: 16 });
    assert_eq!(map.get("a"), None);
}

/// Batches that were carried out stay so, and are not carried out twice.
#[tokio::test(start_paused = true)]
async fn a_load_in_parts_goes_on_where_it_was_disturbed() {
    let entries: Vec<_> = (0..40).map(|number| (format!("key {number:02}"), number.to_string())).collect();
    let (server, map) = meddled(5, MapSettings::default().batch_steps(4)).await;
    let loaded = map.load_difference(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    assert_eq!((loaded.set, loaded.unchanged), (40, 0));
    assert_eq!(server.with_hash(map.name(), |hash, _| fields(hash)), entries);
}

/// A value that is too large for a batch is written alone, and nobody's write goes unnoticed all the same.
#[tokio::test(start_paused = true)]
async fn a_load_of_large_values_notices_who_writes_meanwhile() {
    let large = "x".repeat(200);
    for times in 1..6 {
        let (server, map) = meddled(times, MapSettings::default().batch_bytes(100)).await;
        let entries = [("a", &*large), ("b", &*large), ("c", &*large), ("d", "4")];
        let loaded = map.load_difference(entries).await.unwrap();
        assert_eq!((loaded.set, loaded.unchanged), (4, 0));
        let expected = entries.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(server.with_hash(map.name(), |hash, _| fields(hash)), expected, "{times}");
        map.wait_for(loaded.revision).await.unwrap();
        assert_eq!(map.view().revision(), loaded.revision);
    }
}

/// After a reconnect that skipped the snapshot of a large map the copy may differ although the revision agrees.
#[tokio::test(start_paused = true)]
async fn a_load_verifies_a_content_that_is_in_doubt() {
    let server = MemoryServer::new();
    let settings = MapSettings::default().small_map(10, 1000).page_fields(100);
    let map = server.client().map("flags").settings(settings).join().await.unwrap();
    let entries: Vec<_> = (0..500).map(|number| (format!("key {number:03}"), number.to_string())).collect();
    let set = map.set_many(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    map.wait_for(set.revision).await.unwrap();
    map.sync().await.unwrap();
    server.with_hash(map.name(), |hash, _| hash.hset("key 007", "past the map"));
    server.drop_connections();
    let in_doubt = async {
        while !map.status().is_in_doubt() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), in_doubt).await.unwrap();
    assert_eq!(map.get("key 007").unwrap(), "7", "it is not verified yet");
    let loaded = map.load_difference(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    assert_eq!((loaded.set, loaded.unchanged), (1, 499));
    assert_eq!(server.with_hash(map.name(), |hash, _| fields(hash)), entries);
}

/// A change that the local copy learns during a pause is newer than what the server said before the pause.
#[tokio::test(start_paused = true)]
async fn an_update_goes_on_after_a_pause_with_what_has_come_meanwhile() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let other = server.client().map("flags").join().await.unwrap();
    map.set("a", "0").visible().await.unwrap();
    let (name, mut seen) = (map.name().clone(), Vec::new());
    let updating = map.update("a", |old| {
        seen.push(old.unwrap().as_str().unwrap().to_owned());
        match seen.len() {
            1 => server.with_hash(&name, |hash, _| hash.hset("a", "1")),
            2 => {
                server.with_hash(&name, |hash, _| hash.hset("a", "2"));
                // It runs during the pause, which only the second failure brings.
                let other = other.clone();
                tokio::spawn(async move { other.set("a", "3").await });
            }
            _ => {}
        }
        Some("mine")
    });
    let updated = updating.await.unwrap();
    assert_eq!(seen, ["0", "1", "3"]);
    assert_eq!((updated.tries, updated.previous.unwrap()), (3, "3".into()));
}

/// Updates run anywhere, as all writes do, and their pauses are those of the client's runtime.
#[test]
fn updates_pause_in_the_clients_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = MemoryServer::new();
    let map = runtime.block_on(async { server.client().map("flags").join().await.unwrap() });
    let name = map.name().clone();
    let mut tries = 0_u32;
    let updating = map.update("a", |_: Option<&Value>| {
        tries += 1;
        if tries < 9 {
            server.with_hash(&name, |hash, _| hash.hset("a", tries.to_string()));
        }
        Some("mine")
    });
    let updated = futures_block_on(updating).unwrap();
    assert_eq!((updated.tries, updated.previous.unwrap()), (9, "8".into()));
    drop(runtime);
    assert_eq!(futures_block_on(map.update("a", |_| Some("x"))), Err(Error::Closed { map: name }));
}

/// Polls on a thread without a runtime.
fn futures_block_on<F: Future + Unpin>(mut work: F) -> F::Output {
    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        let polled = std::pin::Pin::new(&mut work).poll(&mut std::task::Context::from_waker(&waker));
        match polled {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park_timeout(Duration::from_secs(60)),
        }
    }
}
