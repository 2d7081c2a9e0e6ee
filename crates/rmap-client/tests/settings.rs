//! The least and the greatest value of every setting: nothing panics, and everything ends.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::time::Duration;

use rmap_client::{Client, Error, Map, MapSettings, MemoryServer};

/// Runs to the end, however busy the machine is.
async fn must_end<T>(what: &str, work: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(60), work).await;
    ended.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

fn times(time: Duration) -> MapSettings {
    MapSettings::default()
        .probe_interval(time)
        .probe_floor(time)
        .request_timeout(time)
        .reconnect_jitter(time)
        .resync_interval(time, time)
}

/// Everything that a map does from its join to its end.
async fn use_and_close(client: &Client, map: &Map) {
    let mut changes = map.changes();
    for number in 0..20 {
        must_end("a write", map.set_and_wait("key", number.to_string())).await.unwrap();
    }
    must_end("a proof", map.sync()).await.unwrap();
    assert_eq!(map.get("key").unwrap(), "19");
    assert!(map.fresh(Duration::MAX).is_ok());
    must_end("closing", client.close()).await;
    let read = async { while changes.next().await.is_some() {} };
    must_end("a stream", read).await;
    assert!(map.is_closed());
}

#[tokio::test]
async fn the_longest_times_are_as_good_as_none() {
    let server = MemoryServer::new();
    let client = Client::builder()
        .maps(times(Duration::MAX).join_timeout(Duration::MAX).sync_timeout(Duration::MAX))
        .with_transport(server.transport());
    let map = must_end("a join", client.map("flags").join()).await.unwrap();
    use_and_close(&client, &map).await;
}

/// After a lost connection the longest jitter delays the map, but not its close.
#[tokio::test]
async fn the_longest_wait_after_a_reconnect_can_be_ended() {
    let server = MemoryServer::new();
    let client = Client::builder().maps(times(Duration::MAX)).with_transport(server.transport());
    let map = must_end("a join", client.map("flags").join()).await.unwrap();
    let mut statuses = map.status_changes();
    server.drop_connections();
    let lost = async { while statuses.next().await.is_some_and(|status| status.is_live()) {} };
    must_end("a lost connection", lost).await;
    must_end("closing", client.close()).await;
    assert!(map.is_closed());
}

/// Paused time stands still while tasks are busy, so no request is late on a slow machine.
#[tokio::test(start_paused = true)]
async fn the_shortest_times_leave_time_for_work() {
    let server = MemoryServer::new();
    let client = Client::builder().maps(times(Duration::ZERO)).with_transport(server.transport());
    let map = must_end("a join", client.map("flags").join()).await.unwrap();
    use_and_close(&client, &map).await;
}

#[tokio::test]
async fn no_time_at_all_is_an_error_when_there_is_something_to_wait_for() {
    let server = MemoryServer::new();
    let client = Client::builder()
        .maps(MapSettings::default().join_timeout(Duration::ZERO))
        .with_transport(server.transport());
    server.hold_messages();
    let joined = must_end("a join", client.map("flags").join()).await;
    assert!(matches!(joined, Err(Error::JoinTimeout { .. })), "{joined:?}");
    server.release_messages();
    let join = client.map("flags").join_timeout(Duration::MAX).sync_timeout(Duration::ZERO).join();
    let map = must_end("a join", join).await.unwrap();
    server.hold_messages();
    let proof = must_end("a proof", map.sync()).await;
    assert!(matches!(proof, Err(Error::SyncTimeout { .. })), "{proof:?}");
    must_end("closing", client.close()).await;
}

#[tokio::test]
async fn the_greatest_counts_are_no_limit() {
    let server = MemoryServer::new();
    let settings = MapSettings::default()
        .value_bytes(usize::MAX)
        .batch_steps(usize::MAX)
        .batch_bytes(usize::MAX)
        .inbox(usize::MAX, usize::MAX)
        .unread_changes(usize::MAX, 1)
        .small_map(u64::MAX, u64::MAX)
        .page_fields(u64::MAX)
        .held(usize::MAX, usize::MAX);
    let client = Client::builder().maps(settings).with_transport(server.transport());
    let map = must_end("a join", client.map("flags").join()).await.unwrap();
    use_and_close(&client, &map).await;
}

#[tokio::test]
async fn the_least_counts_let_single_messages_pass() {
    let server = MemoryServer::new();
    let bounds = MapSettings::default().inbox(0, 0).unread_changes(0, 0);
    let settings = bounds.small_map(0, 0).page_fields(0).held(0, 0);
    let client = Client::builder().maps(settings).with_transport(server.transport());
    let map = must_end("a join", client.map("flags").join()).await.unwrap();
    use_and_close(&client, &map).await;
}
