//! A transport of one's own: this one counts writes and hands everything on to another transport.
//!
//! `cargo run -p rmap-client --example custom_transport`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rmap_client::proto::{MapName, Read, ReadReply, Write, Written};
use rmap_client::transport::{BoxFuture, CheckError, Event, Received, Transport, TransportError};
use rmap_client::{Client, Error, MemoryServer, Reason};

#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Transport>,
    writes: AtomicU64,
}

impl Transport for Counting {
    fn write<'a>(
        &'a self,
        map: &'a MapName,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, TransportError>> {
        Box::pin(async move {
            let written = self.inner.write(map, write).await?;
            self.writes.fetch_add(u64::from(written.applied), Ordering::Relaxed);
            Ok(written)
        })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.inner.read(map, read)
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

    fn next_events<'a>(&'a self, events: &'a mut Vec<Event>) -> BoxFuture<'a, ()> {
        self.inner.next_events(events)
    }

    fn received(&self) -> Option<Received> {
        self.inner.received()
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.inner.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let counting = Arc::new(Counting { inner: MemoryServer::new().transport(), writes: AtomicU64::new(0) });
    let transport: Arc<dyn Transport> = counting.clone();
    let flags = Client::with_transport(transport).map("flags").join().await?;
    flags.set("dark-mode", "on").await?;
    flags.delete("missing").await?;
    println!("{} write changed something", counting.writes.load(Ordering::Relaxed));
    Ok(())
}
