//! Closing and dropping maps and clients, and joins that fail.

mod support;

use std::time::Duration;

use rmap_client::{Client, Error, MemoryServer, Phase};

use support::eventually;
use tokio::runtime::Builder;

#[tokio::test]
async fn a_closed_map_serves_its_last_content() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    let other = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    map.close().await;
    map.close().await;
    assert!(map.is_closed());
    assert_eq!(map.status().phase(), Phase::Closed);

    other.set_and_wait("a", "2").await.unwrap();
    assert_eq!(map.get("a").unwrap(), "1");
    assert_eq!((map.len(), map.view().len()), (1, 1));
}

#[tokio::test]
async fn a_closed_map_refuses_writes_except_reset_and_destroy() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    let revision = map.revision().unwrap();
    map.close().await;

    let errors = [
        map.set("a", "2").await.unwrap_err(),
        map.set_and_wait("a", "2").await.unwrap_err(),
        map.set_if_not_exists("b", "2").await.unwrap_err(),
        map.test_and_set("a", "1", "2").await.unwrap_err(),
        map.delete("a").await.unwrap_err(),
        map.test_and_delete("a", "1").await.unwrap_err(),
        map.test_and_reset([("a", "1")]).await.unwrap_err(),
        map.inc("n", 1).await.unwrap_err(),
        map.append_values("l", ["x"]).await.unwrap_err(),
        map.append_unique_values("l", ["x"]).await.unwrap_err(),
        map.remove_values("l", ["x"]).await.unwrap_err(),
        map.sync().await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Closed { .. }), "{error}");
    }
    assert_eq!(map.reset().await.unwrap().revision, revision.next().unwrap());
    assert_eq!(map.destroy().await.unwrap().revision, revision.next().unwrap().next().unwrap());
}

#[tokio::test]
async fn waits_and_streams_end_when_the_map_closes() {
    let server = MemoryServer::new();
    let map = server.client().map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    let (mut events, mut statuses) = (map.subscribe(), map.status_changes());
    let (_, mut changes) = map.view_and_changes().await;
    let written = map.set_and_wait("a", "2").await.unwrap();

    let (waited, ()) = tokio::join!(map.wait_for(written.revision.next()), map.close());
    assert!(matches!(waited, Err(Error::Closed { .. })));
    map.wait_for(written.revision).await.unwrap();

    assert!(events.next().await.is_some());
    assert_eq!(events.next().await, None);
    assert_eq!(changes.next().await.unwrap().new.unwrap(), "2");
    assert_eq!(changes.next().await, None);
    assert_eq!(statuses.next().await.unwrap().phase(), Phase::Closed);
    assert!(statuses.next().await.is_none());

    assert_eq!(map.subscribe().next().await, None);
    assert_eq!(map.changes().next().await, None);
    let (view, mut changes) = map.view_and_changes().await;
    assert_eq!((view.len(), changes.next().await), (1, None));
}

#[tokio::test]
async fn the_last_handle_unsubscribes() {
    let server = MemoryServer::new();
    let client = server.client();
    let first = client.map("flags").join().await.unwrap();
    let second = client.map("flags").join().await.unwrap();
    let clone = first.clone();
    assert_eq!(server.subscriptions(), 3);
    drop(first);
    clone.set_and_wait("a", "1").await.unwrap();
    assert_eq!(server.subscriptions(), 3);
    drop(clone);
    eventually("one map left", || server.subscriptions() == 2).await;
    second.set_and_wait("a", "2").await.unwrap();
    second.close().await;
    assert_eq!(server.subscriptions(), 0);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_last_map_and_client_leave_no_connection() {
    let server = MemoryServer::new();
    let client = server.client();
    let map = client.map("flags").join().await.unwrap();
    drop(client);
    map.set_and_wait("a", "1").await.unwrap();
    let (events, changes, view) = (map.subscribe(), map.changes(), map.view());
    drop(map);
    eventually("no connection", || server.connections() == 0).await;
    let tasks = tokio::runtime::Handle::current().metrics();
    eventually("no task", || tasks.num_alive_tasks() == 0).await;
    assert_eq!(view.get("a").unwrap(), "1");
    drop((events, changes));
}

#[tokio::test]
async fn a_closed_client_closes_its_maps() {
    let server = MemoryServer::new();
    let client = server.client();
    let map = client.map("flags").join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    client.close().await;
    client.close().await;
    assert_eq!(server.connections(), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    assert_eq!(map.get("a").unwrap(), "1");
    assert!(matches!(map.set("a", "2").await, Err(Error::Closed { .. })));
    assert!(matches!(map.reset().await, Err(Error::Closed { .. })));
    assert!(matches!(client.map("other").join().await, Err(Error::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_join_that_takes_too_long_says_why_and_leaves_nothing() {
    let server = MemoryServer::new();
    server.hold_messages();
    let client = server.client();
    let timeout = Duration::from_millis(500);
    let error = client.map("flags").join_timeout(timeout).join().await.unwrap_err();
    assert!(matches!(error, Error::JoinTimeout { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "map flags is not live after 500ms: joining (connected, reading the content)"
    );
    eventually("no subscription", || server.subscriptions() == 0).await;
}

#[tokio::test]
async fn a_join_fails_while_the_server_is_down() {
    let server = MemoryServer::new();
    server.go_down();
    let error = server.client().map("flags").join().await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error}");
}

#[tokio::test]
async fn maps_of_one_client_are_apart() {
    let client = Client::in_memory();
    let a = client.map("a").join().await.unwrap();
    let b = client.map("b").join().await.unwrap();
    a.set_and_wait("key", "of a").await.unwrap();
    b.set_and_wait("key", "of b").await.unwrap();
    assert_eq!((a.get("key").unwrap(), b.get("key").unwrap()), ("of a".into(), "of b".into()));
}

#[test]
fn handles_may_be_shared_between_threads() {
    fn check<T: Clone + Send + Sync>() {}
    check::<Client>();
    check::<rmap_client::Map>();
    check::<MemoryServer>();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_made_while_the_map_closes_ends() {
    let client = Client::in_memory();
    for _ in 0..200 {
        let map = client.map("flags").join().await.unwrap();
        let closing = map.clone();
        let closed = tokio::spawn(async move { closing.close().await });
        let (mut changes, mut events, mut statuses) = (map.changes(), map.subscribe(), map.status_changes());
        let (_, mut later) = map.view_and_changes().await;
        assert_eq!(changes.next().await, None);
        assert_eq!(later.next().await, None);
        assert_eq!(events.next().await, None);
        while statuses.next().await.is_some() {}
        closed.await.unwrap();
    }
}

/// A client that outlives the runtime in which it was made.
#[test]
fn the_end_of_the_clients_runtime_closes_its_maps() {
    let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let server = MemoryServer::new();
    let client = first.block_on(async { server.client() });
    let map = second.block_on(client.map("flags").join()).unwrap();
    drop(first);
    second.block_on(async {
        assert!(map.is_closed());
        assert!(matches!(client.map("other").join().await, Err(Error::Closed { .. })));
        client.close().await;
        assert!(matches!(map.sync().await, Err(Error::Closed { .. })));
    });
}
