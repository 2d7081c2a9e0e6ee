//! A map learns of a lost connection in two ways, by failing requests and by an event. Both together change its
//! status once.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use bytes::Bytes;
use rmap_client::proto::{MapName, Read, ReadReply, Write, WriteReply};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Map, MapSettings, MemoryServer, Phase, Reason};

use support::eventually;

/// A transport whose requests fail before it reports the lost connection, and which takes a while to reconnect.
#[derive(Debug)]
struct SlowNews {
    server: MemoryServer,
    inner: Arc<MemoryTransport>,
    delay: Duration,
    /// Makes reads wait until the server is down.
    reads_wait: Arc<AtomicBool>,
}

impl Transport for SlowNews {
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
        Box::pin(async {
            while self.reads_wait.load(Ordering::Relaxed) && self.server.connections() > 0 {
                tokio::time::sleep(Duration::from_micros(100)).await;
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
        Box::pin(async {
            let event = self.inner.next_event().await;
            match &event {
                Event::Disconnected { .. } => tokio::time::sleep(self.delay).await,
                Event::Connected { .. } => tokio::time::sleep(Duration::from_millis(10)).await,
                Event::Message { .. } | Event::Lagged { .. } | Event::Closed => {}
                _ => panic!("an unknown event"),
            }
            event
        })
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.inner.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

fn client(server: &MemoryServer, delay: Duration) -> Client {
    client_whose_reads_wait(server, delay, &Arc::default())
}

fn client_whose_reads_wait(server: &MemoryServer, delay: Duration, reads_wait: &Arc<AtomicBool>) -> Client {
    let (server, inner, reads_wait) = (server.clone(), server.transport(), Arc::clone(reads_wait));
    Client::with_transport(Arc::new(SlowNews { server, inner, delay, reads_wait }))
}

/// Every phase and reason of an outage, in order, until the map is live again.
async fn outage(map: &Map, server: &MemoryServer) -> Vec<(Phase, String)> {
    let mut statuses = map.status_changes();
    assert!(statuses.next().await.unwrap().is_live());
    server.go_down();
    let (mut seen, mut down): (Vec<(Phase, String)>, _) = (Vec::new(), true);
    loop {
        let status = statuses.next().await.unwrap();
        let now = (status.phase(), status.reason().to_string());
        if seen.last() != Some(&now) && !(seen.is_empty() && status.is_live()) {
            seen.push(now);
        }
        if status.phase() == Phase::Disconnected && std::mem::take(&mut down) {
            server.come_up();
        }
        if status.is_live() && !down {
            return seen;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_first_does_not_show_in_the_status() {
    for delay in [0, 1, 50] {
        let server = MemoryServer::new();
        let client = client(&server, Duration::from_millis(delay));
        // Probes at this rate keep one in flight nearly all the time.
        let replica = MapSettings::default().probe_interval(Duration::from_micros(1));
        let map = client.map("flags").settings(replica).join().await.unwrap();
        for _ in 0..50 {
            let seen = outage(&map, &server).await;
            let phases: Vec<_> = seen.iter().map(|(phase, _)| *phase).collect();
            assert_eq!(phases, [Phase::Disconnected, Phase::Resyncing, Phase::Live], "{seen:?}");
            assert_eq!(seen[0].1, "the server is down");
        }
    }
}

/// The other maps of the client get the reason.
#[tokio::test(start_paused = true)]
async fn a_map_that_has_the_connections_replaced_keeps_its_own_reason() {
    let server = MemoryServer::new();
    let client = client(&server, Duration::ZERO);
    let patient = MapSettings::default().request_timeout(Duration::from_secs(3600));
    let other = client.map("other").settings(patient).join().await.unwrap();
    let map = client.map("flags").join().await.unwrap();
    let (mut statuses, mut others) = (map.status_changes(), other.status_changes());
    server.hold_messages();
    let reason = async |statuses: &mut rmap_client::StatusChanges| loop {
        let status = statuses.next().await.unwrap();
        if status.phase() == Phase::Disconnected {
            return status.reason().clone();
        }
    };
    assert_eq!(reason(&mut statuses).await, Reason::NoAnswer);
    let why = format!("the connections are replaced: {}", Reason::NoAnswer);
    assert_eq!(reason(&mut others).await, Reason::Disconnected(why));
    server.release_messages();
    eventually("both are live", || map.status().is_live() && other.status().is_live()).await;
}

/// The task of a map may be busy while a request fails and the event of the loss arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_request_that_fails_while_the_map_is_at_work_does_not_show_in_the_status() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    let replica =
        MapSettings::default().probe_interval(Duration::from_micros(1)).reconnect_jitter(Duration::ZERO);
    let reads_wait = Arc::default();
    let client = client_whose_reads_wait(&server, Duration::ZERO, &reads_wait);
    let map = client.map("flags").settings(replica).join().await.unwrap();
    for round in 0..30 {
        map.set_and_wait("a", "1").await.unwrap();
        reads_wait.store(true, Ordering::Relaxed);
        let mut statuses = map.status_changes();
        let (reading, read) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let reader = std::thread::spawn({
            let (map, reading, read) = (map.clone(), Arc::clone(&reading), Arc::clone(&read));
            move || {
                map.with("a", |_| {
                    reading.wait();
                    read.wait();
                })
            }
        });
        reading.wait();
        // The map's task cannot apply this write while a reader holds the lock.
        writer.set("a", "2").await.unwrap();
        server.go_down();
        // Time enough for the request to fail. If it does not, this round proves nothing.
        tokio::time::sleep(Duration::from_millis(2)).await;
        read.wait();
        reader.join().unwrap();
        loop {
            let status = statuses.next().await.unwrap();
            assert!(!matches!(status.reason(), Reason::Failed(_)), "{round}: {status}");
            if status.phase() == Phase::Disconnected {
                break;
            }
        }
        reads_wait.store(false, Ordering::Relaxed);
        server.come_up();
        eventually("both are live", || map.status().is_live() && writer.status().is_live()).await;
    }
}
