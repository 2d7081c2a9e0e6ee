//! Numbers, health and phases of maps and clients.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::time::Duration;

use rmap_client::{Client, Map, MapSettings, MemoryServer, Phase};
use support::eventually;

const SECOND: Duration = Duration::from_secs(1);

async fn joined(server: &MemoryServer) -> (Client, Map) {
    let client = server.client();
    let map = client.map("flags").join().await.unwrap();
    (client, map)
}

#[tokio::test(start_paused = true)]
async fn a_map_counts_what_it_holds_and_takes() {
    let server = MemoryServer::new();
    let (client, map) = joined(&server).await;
    let before = map.stats();
    assert_eq!((before.entries, before.bytes, before.revision), (0, 0, None));
    map.set_and_wait("key", "value").await.unwrap();
    map.set_and_wait("key", "longer value").await.unwrap();
    map.set_and_wait("other", "x").await.unwrap();
    let stats = map.stats();
    assert_eq!((stats.entries, stats.bytes), (2, 15 + 6));
    assert_eq!((stats.notifications, stats.revision), (3, map.revision()));
    assert!(stats.notification_bytes > 20, "{}", stats.notification_bytes);
    assert_eq!((stats.phase, stats.in_doubt, stats.resyncs.total()), (Phase::Live, false, 0));
    map.delete("key").visible().await.unwrap();
    assert_eq!(map.stats().bytes, 6);
    // Also of a content that was read.
    let late = client.map("flags").join().await.unwrap();
    assert_eq!((late.stats().bytes, late.stats().notifications), (6, 0));
    map.reset().visible().await.unwrap();
    assert_eq!((map.stats().bytes, map.stats().entries), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn writes_are_counted_by_outcome() {
    let server = MemoryServer::new();
    let (_client, map) = joined(&server).await;
    map.set("key", "value").visible().await.unwrap();
    assert!(!map.test_and_set("key", "other", "new").await.unwrap().applied);
    map.set("bad=key", "value").await.unwrap_err();
    server.lose_replies(1);
    map.set("key", "new").await.unwrap_err();
    // One that is sent and dropped, and one that is never sent.
    let mut dropped = Box::pin(map.set("key", "again"));
    assert!(futures_poll(dropped.as_mut()).is_none());
    drop(dropped);
    drop(map.set("key", "never"));
    let writes = map.stats().writes.by_outcome();
    assert_eq!(writes, [("committed", 1), ("not_applied", 1), ("rejected", 1), ("indeterminate", 2)]);
    map.close().await;
    map.set("key", "value").await.unwrap_err();
    assert_eq!(map.stats().writes.rejected, 2);
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn resyncs_are_counted_by_cause_and_reconnects_by_the_client() {
    let server = MemoryServer::new();
    let (client, map) = joined(&server).await;
    map.set_and_wait("key", "value").await.unwrap();
    server.lose_messages(1);
    map.set("key", "lost").await.unwrap();
    map.set("key", "found").await.unwrap();
    eventually("the gap is repaired", || map.get("key").is_some_and(|value| value == "found")).await;
    server.lag();
    eventually("the lag is repaired", || map.status().resyncs() == 2 && map.status().is_live()).await;
    server.flush();
    eventually("the loss is seen", || map.is_empty() && map.status().is_live()).await;
    let resyncs = map.stats().resyncs;
    assert_eq!((resyncs.gap, resyncs.lagged, resyncs.mismatch, resyncs.total()), (1, 1, 1, 3));
    assert_eq!(map.status().resyncs(), 3);
    assert_eq!((client.stats().reconnects, client.stats().lost_messages > 0), (0, true));
    server.drop_connections();
    map.sync().await.unwrap();
    assert_eq!(client.stats().reconnects, 1);
    assert_eq!((client.stats().maps, client.stats().groups), (1, None));
    drop(map);
    eventually("the map has left", || client.stats().maps == 0).await;
    client.close().await;
    assert!(!client.stats().connected);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_counts_what_waits_and_what_it_drops() {
    let server = MemoryServer::new();
    let client = server.client();
    let map = client.map("flags").settings(MapSettings::default().inbox(8, 1 << 20)).join().await.unwrap();
    server.hold_messages();
    for number in 0..20 {
        map.set("key", number.to_string()).await.unwrap();
    }
    assert_eq!(map.stats().inbox.dropped, 0);
    server.release_messages();
    eventually("the map resyncs", || map.get("key").is_some_and(|value| value == "19")).await;
    let stats = map.stats();
    assert!(stats.inbox.dropped >= 8, "{:?}", stats.inbox);
    assert_eq!((stats.inbox.messages, stats.inbox.bytes, stats.resyncs.lagged), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn health_says_in_one_line_why_a_map_is_not_ready() {
    let server = MemoryServer::new();
    let (_client, map) = joined(&server).await;
    let bound = 15 * SECOND;
    assert!(map.health(bound).is_ready());
    server.go_down();
    eventually("the map is away", || !map.status().is_live()).await;
    // Its content is fresh enough for a while.
    assert!(map.health(bound).is_ready());
    eventually("it is not any more", || !map.health(bound).is_ready()).await;
    let health = map.health(bound);
    let line = health.to_string();
    assert!(line.starts_with("map flags: not ready: last proven fresh 15."), "{line}");
    assert!(line.contains("more than 15s: disconnected (") && !line.contains('\n'), "{line}");
    assert_eq!((health.phase(), health.staleness() > Some(bound)), (Phase::Disconnected, true));
    server.come_up();
    eventually("it is ready again", || map.health(bound).is_ready()).await;
    map.close().await;
    // Although its content was proven a moment ago.
    assert_eq!(map.health(bound).to_string(), "map flags: not ready: the map is closed");
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn health_serializes() {
    let server = MemoryServer::new();
    let (_client, map) = joined(&server).await;
    let ready = serde_json::to_value(map.health(15 * SECOND)).unwrap();
    assert_eq!((ready["ready"].as_bool(), ready["map"].as_str()), (Some(true), Some("flags")));
    assert!(ready["reason"].is_null() && ready["staleness_seconds"].is_number());
    map.close().await;
    let closed = serde_json::to_value(map.health(15 * SECOND)).unwrap();
    assert_eq!((closed["ready"].as_bool(), closed["phase"].as_str()), (Some(false), Some("closed")));
    assert_eq!(closed["reason"].as_str(), Some("the map is closed"));
}

#[tokio::test(start_paused = true)]
async fn phase_changes_leave_probes_out_and_miss_no_outage() {
    let server = MemoryServer::new();
    let (_client, map) = joined(&server).await;
    let (mut phases, mut statuses) = (map.phase_changes(), map.status_changes());
    assert!(phases.next().await.unwrap().is_live());
    for _ in 0..5 {
        statuses.next().await.unwrap();
    }
    let nothing = tokio::time::timeout(60 * SECOND, phases.next()).await;
    assert!(nothing.is_err(), "a probe is no change of the phase");
    // It was away and is back before anybody looks: one status says so.
    server.drop_connections();
    map.sync().await.unwrap();
    let back = tokio::time::timeout(60 * SECOND, phases.next()).await.unwrap().unwrap();
    assert!(back.is_live() && back.phase_age() < 10 * SECOND, "{back}");
    server.go_down();
    assert_eq!(phases.next().await.unwrap().phase(), Phase::Disconnected);
    map.close().await;
    assert_eq!(phases.next().await.unwrap().phase(), Phase::Closed);
    assert!(phases.next().await.is_none());
}
