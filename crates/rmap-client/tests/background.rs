//! Handles that join while the program goes on.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::time::Duration;

use rmap_client::{Error, MapSettings, MemoryServer, Phase};
use support::eventually;

const BOUND: Duration = Duration::from_secs(15);

#[tokio::test(start_paused = true)]
async fn a_handle_is_there_at_once_and_becomes_live() {
    let server = MemoryServer::new();
    let other = server.client().map("flags").join().await.unwrap();
    other.set("key", "value").await.unwrap();
    let client = server.client();
    let map = client.map("flags").join_in_background().unwrap();
    assert_eq!((map.status().phase(), map.len(), map.status().staleness()), (Phase::Joining, 0, None));
    assert!(map.health(BOUND).to_string().contains("never proven fresh: joining ("), "{}", map.health(BOUND));
    map.sync().await.unwrap();
    assert_eq!(map.get("key").unwrap(), "value");
    assert!(map.health(BOUND).is_ready());
    // It is a map as any other.
    map.set_and_wait("key", "new").await.unwrap();
    map.close().await;
    client.close().await;
    assert!(matches!(client.map("flags").join_in_background(), Err(Error::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_a_server_that_is_away() {
    let server = MemoryServer::new();
    let client = server.client();
    server.go_down();
    let early = client.map("flags").join_in_background().unwrap();
    let reason = || early.status().reason().to_string();
    eventually("the reason is known", || early.status().phase() == Phase::Disconnected).await;
    // One that comes later has the same reason.
    let late = client.map("flags").join_in_background().unwrap();
    eventually("the reason is known", || late.status().reason().to_string() == reason()).await;
    assert!(matches!(early.set("key", "value").await, Err(Error::NotSent { .. })));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!early.status().is_live() && !early.is_closed());
    server.come_up();
    for map in [early, late] {
        eventually("it is live", || map.status().is_live()).await;
        map.set("key", "value").visible().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_how_far_the_scan_is() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    for number in 0..50 {
        writer.set(format!("k{number}"), "v").await.unwrap();
    }
    let settings = MapSettings::default().small_map(1, 1 << 20).page_fields(2);
    let map = server.client().map("flags").settings(settings).join_in_background().unwrap();
    let mut statuses = map.status_changes();
    let mut read = Vec::new();
    while let Some(status) = statuses.next().await {
        if let Some(scan) = status.scan() {
            assert_eq!(scan.total, 52);
            read.push(scan.read);
        }
        if status.is_live() {
            break;
        }
    }
    assert!(read.len() > 2 && read.is_sorted(), "{read:?}");
    assert_eq!(map.len(), 50);
}

#[tokio::test]
async fn what_is_invalid_is_refused_at_once() {
    let client = rmap_client::Client::in_memory();
    assert!(matches!(client.map("").join_in_background(), Err(Error::InvalidName { .. })));
    let endless = client.map("flags").ttl(Duration::ZERO).join_in_background();
    assert!(matches!(endless, Err(Error::InvalidTtl { .. })));
}
