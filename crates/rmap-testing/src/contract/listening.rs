//! Publications, seen through a transport.

use std::sync::Arc;

use bytes::Bytes;
use rmap_client::MapName;
use rmap_client::proto::{Mark, Read};
use rmap_client::transport::{Event, Transport};

/// The fence. When it arrives, everything before it has arrived.
const FENCE: &[u8] = b"fence";

/// Collects the publications on the channel of a map, through a transport that nobody else uses.
#[derive(Debug)]
pub struct Listening {
    transport: Arc<dyn Transport>,
}

impl Listening {
    /// Begins to collect.
    ///
    /// # Panics
    ///
    /// When the transport does not subscribe.
    pub async fn start(transport: Arc<dyn Transport>, map: &MapName) -> Self {
        transport.subscribe(&[map.updates_channel(), Bytes::from_static(FENCE)]).await.unwrap();
        Self { transport }
    }

    /// The publications since the last call, in order.
    ///
    /// # Panics
    ///
    /// When the transport loses its connection or messages.
    pub async fn take(&self) -> Vec<Vec<u8>> {
        let mark = Mark::new(Bytes::from_static(FENCE), 0);
        // The read uses another map, because the hash of this one may be corrupt.
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
