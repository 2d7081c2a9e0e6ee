//! Joining, writing, reading and following on the in-memory transport.

use std::time::Duration;

use rmap_client::{Client, Error, EventKind, MemoryServer, Outcome, Phase};

#[tokio::test]
async fn a_write_is_read_back() {
    let map = Client::in_memory().map("flags").join().await.unwrap();
    assert_eq!(map.status().phase(), Phase::Live);
    let written = map.set("dark-mode", "on").await.unwrap();
    assert_eq!(written.previous, None);
    map.wait_for(written.revision).await.unwrap();
    assert_eq!(map.get("dark-mode").unwrap(), "on");
    assert_eq!(map.with("dark-mode", |value| value == b"on"), Some(true));
    assert_eq!((map.len(), map.revision()), (1, Some(written.revision)));
    assert_eq!(map.keys(), ["dark-mode"]);
}

#[tokio::test]
async fn two_clients_of_one_server_see_one_map() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    let reader = server.client().map("flags").join().await.unwrap();
    let mut events = reader.subscribe();
    let written = writer.set_and_wait("a", "1").await.unwrap();
    assert_eq!(events.next().await, Some(EventKind::Changed));
    assert_eq!(reader.get("a").unwrap(), "1");
    assert_eq!(reader.view().revision(), Some(written.revision));
}

#[tokio::test]
async fn what_was_written_before_the_join_is_there() {
    let server = MemoryServer::new();
    let writer = server.client().map("flags").join().await.unwrap();
    writer.set("a", "1").await.unwrap();
    let reader = server.client().map("flags").join().await.unwrap();
    assert_eq!(reader.get("a").unwrap(), "1");
}

#[tokio::test]
async fn a_name_and_a_lifetime_are_checked_before_anything_is_sent() {
    let client = Client::in_memory();
    let error = client.map("a b").join().await.unwrap_err();
    assert!(matches!(error, Error::InvalidName { .. }), "{error}");
    let error = client.map("flags").ttl(Duration::ZERO).join().await.unwrap_err();
    assert!(matches!(error, Error::InvalidTtl { .. }), "{error}");
    assert_eq!(error.outcome(), Some(Outcome::Rejected));
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_sent() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    // Down, so that whatever is sent fails in another way.
    server.go_down();
    let refused = map.set("", "x").await.unwrap_err();
    assert_eq!(refused.to_string(), "map flags: key is empty");
    let refused = map.inc("a=b", 1).await.unwrap_err();
    assert_eq!(refused.to_string(), "map flags: key \"a=b\" contains '=' at byte 1");
    let refused = map.delete("k".repeat((1 << 20) + 1)).await.unwrap_err();
    assert!(matches!(refused, Error::KeyTooLong { length: 0x10_0001, .. }), "{refused}");
    let long = vec![b'x'; (16 << 20) + 1];
    let refused = map.test_and_set("a", "x", &long).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "map flags: the value for key a has 16777217 bytes, at most 16777216 are allowed"
    );
    let half = "x".repeat(9 << 20);
    let refused = map.append_values("a", [half.as_str(), half.as_str()]).await.unwrap_err();
    assert!(matches!(refused, Error::ValueTooLong { .. }), "{refused}");
    let refused = map.test_and_reset([("", ""); 0]).await.unwrap_err();
    assert!(matches!(refused, Error::NoTests { .. }), "{refused}");
    let refused = map.test_and_reset([("a", "1"), ("b=", "2")]).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidKey { .. }), "{refused}");
}

#[tokio::test]
async fn an_unmet_condition_can_be_made_an_error() {
    let map = Client::in_memory().map("flags").join().await.unwrap();
    let set = map.set_if_not_exists("a", "1").await.unwrap().require().unwrap();
    let error = map.set_if_not_exists("a", "2").await.unwrap().require().unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
    assert!(matches!(error, Error::NotApplied { revision, .. } if revision == set.revision));
}
