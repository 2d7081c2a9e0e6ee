//! A server in memory as tests of services use it: content that others write, hashes that end, phases that come.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::time::Duration;

use rmap_client::typed::Text;
use rmap_client::{Error, MemoryServer, Outcome, Phase};

/// The content of the server, as text.
fn held(server: &MemoryServer, map: &str) -> Vec<String> {
    let content = server.content(map).unwrap();
    content.iter().map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii())).collect()
}

#[tokio::test(start_paused = true)]
async fn what_others_write_reaches_every_replica_by_notifications() {
    let server = MemoryServer::new();
    server.fill("flags", [("a", "1"), ("b", "2")]).unwrap();
    let (one, other) =
        (server.client().map("flags").await.unwrap(), server.client().map("flags").await.unwrap());
    assert_eq!((one.len(), one.stats().notifications), (2, 0));
    server.fill("flags", [("a", "3".as_bytes()), ("c", b"\xff\0")]).unwrap();
    for map in [&one, &other] {
        map.wait_until(|view| view.len() == 3).await.unwrap();
        assert_eq!((map.get("a").unwrap().as_str(), map.stats().notifications), (Ok("3"), 2));
        assert_eq!(map.stats().resyncs.total(), 0);
    }
    assert_eq!(held(&server, "flags"), ["a=3", "b=2", "c=\\xff\\x00"]);
    assert_eq!(held(&server, "other"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn others_write_while_these_clients_cannot_reach_the_server() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").await.unwrap();
    server.go_down();
    server.fill("flags", [("a", "1")]).unwrap();
    map.wait_for_phase(Phase::Disconnected).await.unwrap();
    assert!(map.is_empty());
    server.come_up();
    map.wait_for_phase(Phase::Live).await.unwrap();
    assert_eq!(map.get("a").unwrap(), "1");
}

#[tokio::test]
async fn what_is_no_name_or_key_changes_nothing() {
    let server = MemoryServer::new();
    let bad_name = server.fill("", [("a", "1")]).unwrap_err();
    assert!(matches!(bad_name, Error::InvalidName { .. }) && bad_name.is_bad_input(), "{bad_name}");
    assert!(matches!(server.content(""), Err(Error::InvalidName { .. })));
    assert!(matches!(server.expire(""), Err(Error::InvalidName { .. })));
    let bad_key = server.fill("flags", [("a", "1"), ("b=c", "2")]).unwrap_err();
    assert!(matches!(bad_key, Error::InvalidKey { .. }) && bad_key.is_bad_input(), "{bad_key}");
    assert!(held(&server, "flags").is_empty());
}

#[tokio::test]
async fn a_value_over_a_corrupt_hash_is_refused_with_the_error_of_a_write() {
    let server = MemoryServer::new();
    let name = rmap_client::MapName::new("flags").unwrap();
    server.with_hash(&name, |hash, _| hash.hset("=rev", "none"));
    let error = server.fill("flags", [("a", "1")]).unwrap_err();
    assert_eq!((error.outcome(), error.is_bad_input()), (Some(Outcome::Rejected), false), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_hash_that_ends_is_found_by_the_next_probe_and_leaves_other_maps_alone() {
    let server = MemoryServer::new();
    server.fill("flags", [("a", "1")]).unwrap();
    server.fill("sessions", [("ann", "1")]).unwrap();
    let client = server.client();
    let (flags, sessions) = (client.map("flags").await.unwrap(), client.map("sessions").await.unwrap());
    server.expire("sessions").unwrap();
    assert!(held(&server, "sessions").is_empty());
    sessions.wait_until(|view| view.is_empty()).await.unwrap();
    flags.sync().await.unwrap();
    assert_eq!(flags.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_not_in_the_content() {
    let server = MemoryServer::new();
    let name = rmap_client::MapName::new("flags").unwrap();
    server.fill("flags", [("a", "1")]).unwrap();
    server.with_hash(&name, |hash, now| hash.expire(now, Duration::from_secs(1)));
    assert_eq!(held(&server, "flags").len(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(held(&server, "flags").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_phase_ends_with_it_or_with_the_map() {
    let server = MemoryServer::new();
    server.go_down();
    let map = server.client().map("flags").join_in_background().unwrap();
    let live = tokio::spawn({
        let map = map.clone();
        async move { map.wait_for_phase(Phase::Live).await }
    });
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!live.is_finished());
    server.come_up();
    assert!(live.await.unwrap().unwrap().is_live());
    map.close().await;
    assert!(matches!(map.wait_for_phase(Phase::Live).await, Err(Error::Closed { .. })));
    assert_eq!(map.wait_for_phase(Phase::Closed).await.unwrap().phase(), Phase::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_typed_handle_that_is_live_shows_all_that_the_map_has() {
    let server = MemoryServer::new();
    server.fill("limits", (0..2000).map(|n| (format!("k{n}"), n.to_string()))).unwrap();
    let limits = server.client().map("limits").typed::<u32>(Text).join_in_background().unwrap();
    // The map is live a moment before its values are decoded.
    limits.untyped().wait_for_phase(Phase::Live).await.unwrap();
    let status = limits.wait_for_phase(Phase::Live).await.unwrap();
    assert_eq!((limits.len(), status.revision()), (2000, limits.untyped().revision()));
    limits.close().await;
    assert!(matches!(limits.wait_for_phase(Phase::Live).await, Err(Error::Closed { .. })));
    assert_eq!(limits.wait_for_phase(Phase::Closed).await.unwrap().phase(), Phase::Closed);
}
