//! Joining, writing, reading and following on the in-memory transport.

use std::time::Duration;

use rmap_client::{Client, Error, EventKind, MemoryServer, Phase};

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
    assert!(error.is_rejected());
}
