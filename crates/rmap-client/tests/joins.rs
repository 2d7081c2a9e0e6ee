//! The deadline of a join counts from its last progress, and its error says how far it got.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/numbers.rs"]
mod numbers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Error, MapBuilder, MapName, MapSettings, MemoryServer, Reason, ScanProgress};
use rmap_proto::{Read, ReadReply, Write, WriteReply};
use tokio::time::Instant;

use numbers::Numbers;

const SECOND: Duration = Duration::from_secs(1);

/// Longest time without progress.
const TIMEOUT: Duration = Duration::from_secs(3);

const ENTRIES: usize = 50;

/// A transport to which each page of a scan takes a second, until it gets no more.
#[derive(Debug)]
struct SlowPages {
    inner: Arc<MemoryTransport>,
    left: AtomicUsize,
}

impl Transport for SlowPages {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Arc::clone(&self.inner).write(map, write)
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        Box::pin(async move {
            if matches!(read, Read::Page { .. }) {
                tokio::time::sleep(SECOND).await;
                let left = |left: usize| left.checked_sub(1);
                if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_err() {
                    std::future::pending::<()>().await;
                }
            }
            self.inner.read(map, read).await
        })
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.inner.check(map)
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.inner.subscribe(channels)
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.inner.unsubscribe(channels)
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        self.inner.next_event()
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.inner.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

/// A map that is scanned field by field, of which `pages` arrive.
async fn slow(pages: usize) -> MapBuilder {
    let server = MemoryServer::new();
    let writer = server.client().map("limits").join().await.unwrap();
    let entries = (0..ENTRIES).map(|number| (format!("key {number}"), number.to_string()));
    writer.set_many(entries).await.unwrap();
    let transport = SlowPages { inner: server.transport(), left: AtomicUsize::new(pages) };
    let settings = MapSettings::default().small_map(1, 1).page_fields(1).join_timeout(TIMEOUT);
    Client::with_transport(Arc::new(transport)).map("limits").settings(settings)
}

#[tokio::test(start_paused = true)]
async fn a_join_takes_as_long_as_it_makes_progress() {
    let began = Instant::now();
    let map = slow(usize::MAX).await.join().await.unwrap();
    assert_eq!(map.len(), ENTRIES);
    assert!(began.elapsed() > 3 * TIMEOUT, "{:?}", began.elapsed());
    let typed = slow(usize::MAX).await.typed::<i64>(Numbers::default());
    assert_eq!(typed.join().await.unwrap().len(), ENTRIES);
}

#[tokio::test(start_paused = true)]
async fn a_join_that_stops_says_how_far_it_got() {
    const PAGES: u32 = 20;
    let numbers = Numbers::default();
    let began = Instant::now();
    let error = slow(PAGES as usize).await.join().await.unwrap_err();
    let took = began.elapsed();
    let typed = slow(PAGES as usize).await.typed::<i64>(numbers.clone()).join().await.unwrap_err();
    assert_eq!((error.to_string(), numbers.decoded()), (typed.to_string(), 0));
    let Error::JoinTimeout { timeout, scan: Some(ScanProgress { read, total }), .. } = error else {
        panic!("{error}")
    };
    assert_eq!((timeout, total), (TIMEOUT, ENTRIES as u64 + 2));
    assert!((10..total).contains(&read), "{error}");
    assert!(error.to_string().ends_with(&format!("with {read} of {total} fields read")), "{error}");
    assert!(took > TIMEOUT + 5 * SECOND, "it counts from the last progress: {took:?}");
}
