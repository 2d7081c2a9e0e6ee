//! Closing a map, and the abilities of a closed map.

use integration_tests::{Listener, Server, must_end};
use rmap_client::{Error, EventKind, Key, Phase};

use crate::support::{clients, connect, join, nothing_is_left};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_may_be_called_often_and_by_many() {
    let server = Server::start();
    for _ in 0..20 {
        let client = connect(server.url()).await;
        let map = must_end(client.map("flags").join()).await.unwrap();
        let closings = (0..20).map(|number| {
            let (client, map) = (client.clone(), map.clone());
            tokio::spawn(
                async move { if number % 2 == 0 { map.close().await } else { client.close().await } },
            )
        });
        for closing in closings.collect::<Vec<_>>() {
            must_end(closing).await.unwrap();
        }
        assert!(map.is_closed());
        must_end(map.close()).await;
        must_end(client.close()).await;
    }
    let mut raw = server.connection();
    integration_tests::eventually("no connection is left", || clients(&mut raw) == 0);
}

#[tokio::test]
async fn a_dropped_close_still_closes() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    let _ = tokio::time::timeout(std::time::Duration::ZERO, map.close()).await;
    assert!(matches!(map.set("a", "1").await, Err(Error::Closed { .. })));
    let _ = tokio::time::timeout(std::time::Duration::ZERO, client.close()).await;
    nothing_is_left(&mut raw).await;
}

#[tokio::test]
async fn a_closed_map_reads_but_does_not_write_except_reset_and_destroy() {
    let server = Server::start();
    let (map, other) = (join(&server).await, join(&server).await);
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    must_end(map.close()).await;
    let listener = Listener::new(&server, map.name().updates_channel());
    for error in [
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
    ] {
        assert!(matches!(error, Error::Closed { .. }), "{error}");
        assert_eq!(error.to_string(), "map flags is closed");
    }
    assert!(listener.take().is_empty());

    let written = must_end(other.set_and_wait("a", "2")).await.unwrap();
    assert!(matches!(map.wait_for(written.revision).await, Err(Error::Closed { .. })));
    let cleared = must_end(map.reset()).await.unwrap();
    must_end(other.wait_for(cleared.revision)).await.unwrap();
    assert!(other.is_empty());
    let destroyed = must_end(map.destroy()).await.unwrap();
    assert_eq!(Some(destroyed.revision), cleared.revision.next());
    let told = [format!("reset:{}", cleared.revision), format!("destroy:{}", destroyed.revision)];
    assert_eq!(listener.take()[1..], told.map(String::into_bytes));

    // The content is that of the moment of closing.
    assert_eq!((map.get("a").unwrap(), map.len(), map.keys()), ("1".into(), 1, vec![Key::new("a").unwrap()]));
    assert_eq!((map.view().len(), map.with("a", <[u8]>::len), map.contains("b")), (1, Some(1), false));
    assert_eq!((map.status().phase(), map.status().revision()), (Phase::Closed, map.revision()));
}

#[tokio::test]
async fn a_closed_client_ends_everything() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    must_end(client.close()).await;
    nothing_is_left(&mut raw).await;
    assert!(map.is_closed());
    assert_eq!((map.get("a").unwrap(), map.status().phase()), ("1".into(), Phase::Closed));
    for error in [
        map.set("a", "2").await.unwrap_err(),
        map.reset().await.unwrap_err(),
        map.destroy().await.unwrap_err(),
        client.map("flags").join().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Closed { .. }), "{error}");
    }
}

#[tokio::test]
async fn waits_and_streams_end() {
    let server = Server::start();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let (mut events, mut statuses) = (map.subscribe(), map.status_changes());
    let (_, mut changes) = must_end(map.view_and_changes()).await;
    let written = must_end(map.set_and_wait("a", "2")).await.unwrap();
    let (waited, ()) =
        must_end(async { tokio::join!(map.wait_for(written.revision.next()), map.close()) }).await;
    assert!(matches!(waited, Err(Error::Closed { .. })));

    assert_eq!(events.next().await, Some(EventKind::Changed));
    assert_eq!(events.next().await, None);
    assert_eq!(changes.next().await.unwrap().new.unwrap(), "2");
    assert_eq!(changes.next().await, None);
    let mut last = None;
    while let Some(status) = must_end(statuses.next()).await {
        last = Some(status.phase());
    }
    assert_eq!(last, Some(Phase::Closed));
    assert_eq!(must_end(map.subscribe().next()).await, None);
    assert_eq!(must_end(map.changes().next()).await, None);
}
