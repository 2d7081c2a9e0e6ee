//! A client works in the runtime in which it was made, whichever executor polls it.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use rmap_client::proto::{MapName, Read, ReadReply, Write, WriteReply};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, Cause, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Error, Map, MemoryServer, Outcome, Reason};
use tokio::runtime::{Builder, Runtime};

/// A transport whose writes are never answered, and use timers and tasks of their own.
#[derive(Debug)]
struct Silent(Arc<MemoryTransport>);

impl Transport for Silent {
    fn write(
        self: Arc<Self>,
        _: MapName,
        _: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(async {
            tokio::spawn(pending::<()>());
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Err(TransportError::Indeterminate(Cause::Other("no answer".to_owned())))
        })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.0.read(map, read)
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.0.check(map)
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.subscribe(channels)
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.unsubscribe(channels)
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        self.0.next_event()
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.0.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn joined(runtime: &Runtime) -> Map {
    runtime.block_on(async {
        let client = Client::with_transport(Arc::new(Silent(MemoryServer::new().transport())));
        client.map("flags").join().await.unwrap()
    })
}

fn poll<T>(work: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    std::pin::Pin::new(work).poll(&mut Context::from_waker(Waker::noop()))
}

/// A timer that is polled after the end of its runtime panics, and so does starting a task there.
#[test]
fn a_write_is_polled_in_the_clients_runtime_until_that_ends() {
    let own = runtime();
    let map = joined(&own);
    let (mut polled, mut later) = (pin!(map.inc("n", 1)), pin!(map.inc("n", 1)));
    assert!(poll(&mut polled).is_pending());
    // A runtime without timers cannot run a client.
    let bare = Builder::new_current_thread().build().unwrap();
    assert!(bare.block_on(poll_fn(|context| Poll::Ready(polled.as_mut().poll(context)))).is_pending());
    drop(own);
    let Poll::Ready(Err(unknown)) = poll(&mut polled) else { panic!("it waits for nothing") };
    assert!(matches!(unknown, Error::Indeterminate { .. }), "{unknown}");
    let Poll::Ready(Err(closed)) = poll(&mut later) else { panic!("it waits for nothing") };
    assert!(matches!(closed, Error::Closed { .. }), "{closed}");
}

#[test]
fn polls_while_the_runtime_ends_do_not_panic() {
    for _ in 0..50 {
        let own = runtime();
        let map = joined(&own);
        let polling = std::thread::spawn(move || {
            let mut writing = Box::pin(map.set("k", "v"));
            loop {
                if let Poll::Ready(ended) = poll(&mut writing) {
                    return ended.unwrap_err();
                }
            }
        });
        drop(own);
        let error = polling.join().unwrap();
        assert!(
            error.outcome() == Some(Outcome::Indeterminate) || matches!(error, Error::Closed { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_map_follows_in_the_clients_runtime_whoever_joins_it() {
    let (own, other) = (runtime(), runtime());
    let server = MemoryServer::new();
    let client = own.block_on(async { server.client() });
    let map = other.block_on(client.map("flags").join()).unwrap();
    drop(other);
    assert!(own.block_on(map.set_and_wait("k", "v")).is_ok());
    assert!(!map.is_closed());
}
