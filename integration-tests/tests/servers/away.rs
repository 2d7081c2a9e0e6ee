//! A server that goes away while maps are live.

use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use rmap_client::{Error, Outcome, Phase};

use crate::support::{client, every_write, join, one_line, settings};

#[tokio::test]
async fn while_a_server_is_away_maps_read_on_and_nothing_hangs() {
    let server = Server::start();
    let client = client().maps(settings().sync_timeout(Duration::from_millis(300))).connect(server.url());
    let client = must_end(client).await.unwrap();
    let map = must_end(client.map("flags").join()).await.unwrap();
    let before = must_end(map.set_and_wait("a", "1")).await.unwrap();
    must_end(map.sync()).await.unwrap();
    server.kill();
    eventually_async("the map knows", || map.status().phase() == Phase::Disconnected).await;

    for _ in 0..10 {
        assert_eq!((map.get("a").unwrap(), map.len(), map.view().len()), ("1".into(), 1, 1));
        assert_eq!(map.revision(), Some(before.revision));
        for (operation, outcome) in every_write(&map).await {
            let error = outcome.unwrap_err();
            assert!(
                matches!(error, Error::NotSent { .. }) && error.outcome() == Some(Outcome::Rejected),
                "{operation}: {error}"
            );
            one_line(&error);
        }
    }
    let error = must_end(map.sync()).await.unwrap_err();
    assert!(
        matches!(error, Error::SyncTimeout { .. }) && error.to_string().contains("disconnected"),
        "{error}"
    );
    let error = must_end(client.map("other").join()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. } | Error::JoinTimeout { .. }), "{error}");
    one_line(&error);
    assert!(map.status().to_string().starts_with("disconnected for "), "{}", map.status());
    eventually_async("the status says why connecting fails", || {
        map.status().reason().to_string().contains("no server answered")
    })
    .await;
    let error = map.fresh(Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");

    server.restart();
    eventually_async("the map is live and empty", || map.status().is_live() && map.is_empty()).await;
    assert_eq!(map.revision(), None);
    let after = must_end(map.set_and_wait("a", "2")).await.unwrap();
    assert!(after.revision > before.revision);
    let other = must_end(client.map("other").join()).await.unwrap();
    must_end(other.set_and_wait("a", "3")).await.unwrap();
}

#[tokio::test]
async fn writes_to_a_frozen_server_are_unknown_or_refused() {
    let server = Server::start();
    let impatient = client().command_timeout(Duration::from_secs(1)).connect(server.url());
    let map = must_end(must_end(impatient).await.unwrap().map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "0")).await.unwrap();
    server.pause();
    for (operation, outcome) in every_write(&map).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Indeterminate { .. } | Error::NotSent { .. }), "{operation}: {error}");

        one_line(&error);
    }
    assert_eq!(map.get("a").unwrap(), "0");
    eventually_async("the map knows", || map.status().phase() == Phase::Disconnected).await;
    server.resume();
    eventually_async("the map is live", || map.status().is_live()).await;
    must_end(map.sync()).await.unwrap();
    let patient = join(server.url()).await;
    for (operation, outcome) in every_write(&patient).await {
        assert!(outcome.is_ok(), "{operation}: {outcome:?}");
    }
    eventually_async("the map follows", || map.revision() == patient.revision()).await;
}

#[tokio::test]
async fn a_client_closes_while_the_server_is_away() {
    for frozen in [false, true] {
        let server = Server::start();
        let map = join(server.url()).await;
        if frozen {
            server.pause()
        } else {
            server.kill()
        }
        must_end(map.close()).await;
        drop(map);
        let tasks = tokio::runtime::Handle::current().metrics();
        eventually_async("no task is left", || tasks.num_alive_tasks() == 0).await;
    }
}

#[tokio::test]
async fn a_server_that_loads_its_data_is_waited_for() {
    let server = Server::builder().persistent().start();
    let map = join(server.url()).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for _ in 0..3 {
        server.kill();
        server.restart();
        must_end(map.sync()).await.unwrap();
        assert_eq!(map.get("a").unwrap(), "1");
    }
}
