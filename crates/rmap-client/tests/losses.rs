//! A map whose hash the server has lost serves its last content on, where its settings say so.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod support;

use std::time::Duration;

use rmap_client::{Client, Error, EventKind, Map, MemoryServer, Phase, WhenLost};
use support::eventually;

const BOUND: Duration = Duration::from_secs(3600);

async fn keeping(server: &MemoryServer) -> (Client, Map) {
    let client = server.client();
    let map = client.map("flags").when_lost(WhenLost::Keep).join().await.unwrap();
    (client, map)
}

/// A map with two entries whose server has lost them.
async fn kept(lose: impl Fn(&MemoryServer)) -> (MemoryServer, Client, Map) {
    let server = MemoryServer::new();
    let (client, map) = keeping(&server).await;
    map.set_and_wait("a", "1").await.unwrap();
    map.set_and_wait("b", "2").await.unwrap();
    lose(&server);
    eventually("the map is kept", || map.status().phase() == Phase::Kept).await;
    (server, client, map)
}

#[tokio::test(start_paused = true)]
async fn a_kept_map_serves_its_content_and_refuses_to_prove_it() {
    for lose in [MemoryServer::flush, MemoryServer::restart] {
        let (_server, _client, map) = kept(lose).await;
        assert_eq!((map.len(), map.get("a").unwrap()), (2, "1".into()));
        assert!(matches!(map.sync().await, Err(Error::Kept { .. })));
        assert!(matches!(map.fresh(BOUND), Err(Error::Stale { staleness: None, .. })));
        assert!(matches!(map.verify().await, Err(Error::NotVerified { .. })));
        let revision = map.revision().unwrap();
        assert!(matches!(map.wait_for(revision).await, Err(Error::HistoryBroken { .. })));
        let health = map.health(BOUND);
        assert!(
            health.to_string().starts_with("map flags: not ready: kept (the server has no hash"),
            "{health}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_silent_until_a_write_makes_a_hash_and_then_all_other_keys_go() {
    let server = MemoryServer::new();
    let (_client, map) = keeping(&server).await;
    map.set_and_wait("a", "1").await.unwrap();
    map.set_and_wait("b", "2").await.unwrap();
    let (_, mut changes) = map.view_and_changes().await;
    let mut events = map.subscribe();
    server.flush();
    eventually("the map is kept", || map.status().phase() == Phase::Kept).await;
    let silence = Duration::from_secs(600);
    assert!(tokio::time::timeout(silence, changes.next()).await.is_err());
    assert!(tokio::time::timeout(silence, events.next()).await.is_err());

    let other = server.client().map("flags").join().await.unwrap();
    other.set("b", "3").await.unwrap();
    eventually("the map follows", || map.status().is_live()).await;
    assert_eq!((map.len(), map.get("b").unwrap()), (1, "3".into()));
    assert_eq!(events.next().await, Some(EventKind::Reset));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let change = changes.next().await.unwrap();
        seen.push((change.key.to_string(), change.new.map(|value| value.to_string())));
    }
    seen.sort();
    assert_eq!(seen, [("a".to_owned(), None), ("b".to_owned(), Some("3".to_owned()))]);
    map.sync().await.unwrap();
    assert!(map.fresh(BOUND).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_own_write_ends_it_and_becomes_visible() {
    let (_server, _client, map) = kept(MemoryServer::flush).await;
    map.set("c", "3").visible().await.unwrap();
    assert_eq!((map.len(), map.get("c").unwrap(), map.status().phase()), (1, "3".into(), Phase::Live));
}

#[tokio::test(start_paused = true)]
async fn resets_and_destroys_are_no_losses() {
    let server = MemoryServer::new();
    let (_client, map) = keeping(&server).await;
    for destroy in [false, true] {
        map.set_and_wait("a", "1").await.unwrap();
        // Also where nobody hears of it.
        server.lose_messages(1);
        if destroy { map.destroy().await } else { map.reset().await }.unwrap();
        eventually("the map is empty", || map.is_empty() && map.status().is_live()).await;
    }
    // An empty content is not worth keeping.
    server.flush();
    map.sync().await.unwrap();
    assert!(map.status().is_live() && map.revision().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_program_decides_to_follow() {
    let (_server, _client, map) = kept(MemoryServer::flush).await;
    map.follow().await.unwrap();
    map.sync().await.unwrap();
    assert!(map.is_empty() && map.status().is_live());
    map.close().await;
    assert!(matches!(map.follow().await, Err(Error::Closed { .. })));
}

/// A typed handle decodes what its map serves, and refuses what its map refuses.
#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn a_typed_handle_of_a_kept_map_refuses_as_well() {
    let (_server, _client, map) = kept(MemoryServer::flush).await;
    let typed = map.typed::<u8>(rmap_client::typed::Json).join().await.unwrap();
    assert_eq!(typed.get("a").as_deref(), Some(&1));
    assert!(matches!(typed.sync().await, Err(Error::Kept { .. })));
    assert!(matches!(typed.fresh(BOUND), Err(Error::Stale { .. })));
    map.set("c", "3").visible().await.unwrap();
    typed.sync().await.unwrap();
    assert_eq!((typed.len(), typed.get("c").as_deref()), (1, Some(&3)));
    assert!(typed.fresh(BOUND).is_ok());
}
