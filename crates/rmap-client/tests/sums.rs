//! Bounds on what all maps of a client keep together.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/changes.rs"]
mod changes;
mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use changes::{Content, content, drain};
use rmap_client::proto::{MapName, Read, ReadReply, Write, WriteReply};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Map, MapSettings, MemoryServer, Reason};
use support::eventually;
use tokio::sync::watch;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn the_streams_of_all_maps_have_one_bound() {
    let server = MemoryServer::new();
    let client = Client::builder().unread_changes_in_sum(256 << 10).with_transport(server.transport());
    let mut streams = Vec::new();
    for number in 0..20 {
        let map = client.map(format!("map-{number}")).join().await.unwrap();
        streams.push((map.changes(), map));
    }
    // 300 KiB for each map, on three keys.
    for round in 0..300 {
        for (_, map) in &streams {
            map.set((round % 3).to_string(), format!("{round:01000}")).await.unwrap();
        }
    }
    let mut read = 0;
    for (mut changes, map) in streams {
        map.sync().await.unwrap();
        map.close().await;
        let mut folded = Content::new();
        read += drain(&mut folded, &mut changes).await;
        assert_eq!(folded, content(&map.view()));
    }
    // Together at most what the bound allows, and one change for each key.
    assert!(read < 300 + 20 * 3, "{read} changes");
}

/// A transport that keeps back the answers to reads while its gate is closed. Marks pass.
#[derive(Debug)]
struct Gated(Arc<MemoryTransport>, watch::Receiver<bool>);

impl Transport for Gated {
    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        Box::pin(async move {
            let reply = self.0.read(map, read).await;
            let _ = self.1.clone().wait_for(|open| *open).await;
            reply
        })
    }

    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Arc::clone(&self.0).write(map, write)
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

/// Two maps that hold notifications, because the answers to their snapshots do not arrive. Returns how often they
/// gave up.
async fn hold(received_in_sum: usize) -> u64 {
    let server = MemoryServer::new();
    let (gate, opened) = watch::channel(true);
    let replica = MapSettings::default().request_timeout(HOUR).probe_interval(HOUR);
    let client = Client::builder()
        .received_in_sum(received_in_sum)
        .maps(replica)
        .with_transport(Arc::new(Gated(server.transport(), opened)));
    let mut maps: Vec<(Map, Map)> = Vec::new();
    for name in ["a", "b"] {
        let writer = server.client().map(name).join().await.unwrap();
        maps.push((client.map(name).join().await.unwrap(), writer));
    }
    gate.send_replace(false);
    server.lag();
    eventually("they ask for snapshots", || maps.iter().all(|(map, _)| map.status().resyncs() == 1)).await;
    for number in 0..100 {
        for (_, writer) in &maps {
            writer.set(number.to_string(), format!("{number:01000}")).await.unwrap();
        }
        tokio::task::yield_now().await;
    }
    let begun = maps.iter().map(|(map, _)| map.status().resyncs() - 1).sum();
    gate.send_replace(true);
    for (map, writer) in &maps {
        map.sync().await.unwrap();
        writer.sync().await.unwrap();
        assert_eq!(content(&map.view()), content(&writer.view()));
        assert_eq!(map.len(), 100);
    }
    begun
}

#[tokio::test]
async fn what_all_maps_hold_has_one_bound() {
    assert_eq!(hold(usize::MAX).await, 0);
    // Each of them holds 100 KiB.
    assert!(hold(150 << 10).await > 0);
}
