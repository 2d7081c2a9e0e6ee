//! Verifications: the content is compared with the server's, entry by entry.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/changes.rs"]
mod changes;
mod support;

use std::time::Duration;

use changes::{content, drain};
use rmap_client::{Discrepancy, Error, EventKind, Map, MapSettings, MemoryServer};
use support::eventually;

async fn joined(server: &MemoryServer, config: MapSettings) -> Map {
    server.client().map("flags").settings(config).join().await.unwrap()
}

fn hset(server: &MemoryServer, map: &Map, field: &str, value: &str) {
    server.with_hash(map.name(), |hash, _| hash.hset(field, value));
}

#[tokio::test(start_paused = true)]
async fn differences_are_named_repaired_and_emitted() {
    let server = MemoryServer::new();
    let map = joined(&server, MapSettings::default()).await;
    for number in 0..10 {
        map.set_and_wait(format!("k{number}"), "v").await.unwrap();
    }
    assert!(map.verify().await.unwrap().agrees());
    let (view, mut changes) = map.view_and_changes().await;
    let mut events = map.subscribe();
    hset(&server, &map, "k3", "by hand");
    server.with_hash(map.name(), |hash, _| hash.hdel("k4"));
    hset(&server, &map, "new", "by hand");

    let verified = map.verify().await.unwrap();
    let named: Vec<_> = verified.differing.iter().map(|it| (it.key.as_str().unwrap(), it.how)).collect();
    let (other, extra, missing) = (Discrepancy::Other, Discrepancy::Extra, Discrepancy::Missing);
    assert_eq!(named, [("k3", other), ("k4", extra), ("new", missing)]);
    assert_eq!((verified.compared, verified.revision, verified.agrees()), (10, map.revision(), false));
    // Every repair is visible when the call returns.
    assert_eq!(map.get("k3").unwrap(), "by hand");
    assert_eq!((map.contains("k4"), map.len(), map.status().differed()), (false, 10, 3));
    assert_eq!(events.next().await, Some(EventKind::Deleted));
    assert!(map.verify().await.unwrap().agrees());
    map.close().await;
    let mut folded = content(&view);
    drain(&mut folded, &mut changes).await;
    assert_eq!(folded, content(&map.view()));
}

#[tokio::test(start_paused = true)]
async fn the_setting_finds_what_no_proof_does() {
    let server = MemoryServer::new();
    let every = Duration::from_secs(60);
    let (with, without) = (
        joined(&server, MapSettings::default().verify_interval(every)).await,
        joined(&server, MapSettings::default()).await,
    );
    with.set_and_wait("a", "1").await.unwrap();
    hset(&server, &with, "a", "by hand");
    without.sync().await.unwrap();
    eventually("the field", || with.get("a").is_some_and(|value| value == "by hand")).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(without.get("a").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_share_a_verification_and_later_ones_get_the_next() {
    let server = MemoryServer::new();
    let map = joined(&server, MapSettings::default()).await;
    map.set_and_wait("a", "1").await.unwrap();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let map = map.clone();
            tokio::spawn(async move { map.verify().await })
        })
        .collect();
    // Dropped before it has an outcome; the other callers do not notice.
    let dropped = map.clone();
    drop(tokio::spawn(async move { dropped.verify().await }));
    for call in calls {
        assert!(call.await.unwrap().unwrap().agrees());
    }
    hset(&server, &map, "a", "by hand");
    assert_eq!(map.verify().await.unwrap().differing.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_server_it_waits_for_one_and_the_end_of_the_map_ends_it() {
    let server = MemoryServer::new();
    let map = joined(&server, MapSettings::default()).await;
    map.set_and_wait("a", "1").await.unwrap();
    server.go_down();
    let waiting = tokio::spawn({
        let map = map.clone();
        async move { map.verify().await }
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!waiting.is_finished());
    server.come_up();
    assert!(waiting.await.unwrap().unwrap().agrees());

    server.go_down();
    let waiting = tokio::spawn({
        let map = map.clone();
        async move { map.verify().await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    map.close().await;
    assert!(matches!(waiting.await.unwrap(), Err(Error::Closed { .. })));
    assert!(matches!(map.verify().await, Err(Error::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn writes_meanwhile_are_no_differences() {
    let server = MemoryServer::new();
    let small_pages = MapSettings::default().page_fields(2);
    let (map, writer) = (joined(&server, small_pages).await, joined(&server, MapSettings::default()).await);
    let writing = tokio::spawn(async move {
        for number in 0..3000 {
            writer.set(format!("k{}", number % 50), number.to_string()).await.unwrap();
            if number % 7 == 0 {
                writer.delete(format!("k{}", number % 50)).await.unwrap();
            }
        }
    });
    let mut verified = 0;
    while !writing.is_finished() {
        let outcome = map.verify().await.unwrap();
        assert!(outcome.agrees(), "{outcome:?}");
        verified += 1;
    }
    writing.await.unwrap();
    assert!(verified > 0 && map.status().differed() == 0);
    assert_eq!(map.status().resyncs(), 0);
}
