//! What is published, seen through a transport.

use std::sync::Arc;

use bytes::Bytes;
use rmap_client::MapName;
use rmap_client::proto::{Mark, Read};
use rmap_client::transport::{Event, Transport};

/// Published to know that everything before has arrived.
const FENCE: &[u8] = b"fence";

/// Collects what is published on the channel of a map, through a transport that nobody else uses.
#[derive(Debug)]
pub struct Listening {
    transport: Arc<dyn Transport>,
}

impl Listening {
    /// Begins.
    ///
    /// # Panics
    ///
    /// When the transport does not subscribe.
    pub async fn start(transport: Arc<dyn Transport>, map: &MapName) -> Self {
        transport.subscribe(&[map.updates_channel(), Bytes::from_static(FENCE)]).await.unwrap();
        Self { transport }
    }

    /// What was published since the last call, in order.
    ///
    /// # Panics
    ///
    /// When the transport loses its connection or messages.
    pub async fn take(&self) -> Vec<Vec<u8>> {
        let mark = Mark::new(Bytes::from_static(FENCE), 0);
        // A read of another map: this one's hash may be corrupt.
        let other = MapName::new(FENCE).unwrap();
        self.transport.read(&other, &Read::Probe { mark }).await.unwrap();
        let mut payloads = Vec::new();
        loop {
            match self.transport.next_event().await {
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
}
