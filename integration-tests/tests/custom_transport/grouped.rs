//! The example's transport with the layer that groups writes: a group is one write after the other in one step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rmap_client::transport::group::{Groups, SendWrites};
use rmap_client::transport::{BoxFuture, CheckError, Event, Received, Transport, TransportError};
use rmap_client::{MapName, Reason};
use rmap_proto::{Operation, Read, ReadReply, Ttl, Write, WriteError, WriteReply};

use super::example::{OwnTransport, Store};

/// Everything but writes goes to the transport below.
#[derive(Debug)]
pub(crate) struct Grouped {
    groups: Groups<Sender>,
}

#[derive(Debug)]
struct Sender(Arc<OwnTransport>);

impl SendWrites for Sender {
    async fn send(&self, map: &MapName, write: &Write) -> Result<WriteReply, TransportError> {
        // As a trip to a server would, so that others come meanwhile.
        tokio::task::yield_now().await;
        Arc::clone(&self.0).write(map.clone(), write.clone()).await
    }

    async fn send_group(
        &self,
        map: &MapName,
        ttl: Ttl,
        operations: &[&Operation],
        _: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Vec<Result<WriteReply, WriteError>>, TransportError> {
        let mut outcomes = Vec::new();
        for operation in operations {
            let write = Write::new((*operation).clone(), ttl);
            match Arc::clone(&self.0).write(map.clone(), write).await {
                Ok(written) => outcomes.push(Ok(written)),
                Err(TransportError::Authority(error)) => outcomes.push(Err(error)),
                Err(error) => return Err(error),
            }
        }
        tokio::task::yield_now().await;
        Ok(outcomes)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }
}

impl Grouped {
    pub(crate) fn over(store: &Store) -> Arc<dyn Transport> {
        Arc::new(Self { groups: Groups::new(Sender(store.transport())) })
    }

    fn below(&self) -> &OwnTransport {
        &self.groups.sender().0
    }
}

impl Transport for Grouped {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(async move { self.groups.write(&map, &write).await })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.below().read(map, read)
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.below().check(map)
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.below().subscribe(channels)
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.below().unsubscribe(channels)
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        self.below().next_event()
    }

    fn received(&self) -> Option<Received> {
        self.below().received()
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.below().replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.below().close()
    }
}
