//! The connections of one client to an in-memory server.

use std::sync::Arc;

use bytes::Bytes;
use rmap_core::Reason;
use rmap_proto::{MapName, Read, ReadReply, Write, WriteReply};

use super::queue::EventQueue;
use super::server::MemoryServer;
use super::state::SessionId;
use crate::transport::{BoxFuture, CheckError, Event, Transport, TransportError};

/// The connections of one client to a [`MemoryServer`], from [`MemoryServer::transport`].
#[derive(Debug)]
pub struct MemoryTransport {
    server: MemoryServer,
    link: SessionId,
    events: Arc<EventQueue>,
}

impl MemoryServer {
    /// New connections to this server, for [`ClientBuilder::with_transport`](crate::ClientBuilder::with_transport) or
    /// to look at what is published.
    #[must_use]
    pub fn transport(&self) -> Arc<MemoryTransport> {
        let (link, events) = self.with_state(|state, _| state.open());
        Arc::new(MemoryTransport { server: self.clone(), link, events })
    }
}

impl Transport for MemoryTransport {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(round_trip(move || {
            self.server.with_state(|state, now| state.write(self.link, now, &map, &write))
        }))
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        Box::pin(round_trip(move || {
            self.server.with_state(|state, now| state.read(self.link, now, map, read))
        }))
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        Box::pin(round_trip(move || self.server.with_state(|state, now| state.check(self.link, now, map))))
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(round_trip(move || self.server.with_state(|state, _| state.subscribe(self.link, channels))))
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(round_trip(move || {
            self.server.with_state(|state, _| state.unsubscribe(self.link, channels))
        }))
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        Box::pin(self.events.next())
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        let reason = format!("the connections are replaced: {reason}");
        Box::pin(round_trip(move || {
            self.server.with_state(|state, _| state.replace_connections(self.link, connection, &reason));
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(round_trip(move || self.server.with_state(|state, _| state.close(self.link))))
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.server.with_state(|state, _| state.close(self.link));
    }
}

/// Does the work, then lets other tasks run, as a round trip to a server would.
async fn round_trip<T>(work: impl FnOnce() -> T) -> T {
    let result = work();
    tokio::task::yield_now().await;
    result
}
