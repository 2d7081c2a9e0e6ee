//! Dropping leaves neither connections nor tasks, at any moment.

use std::pin::pin;
use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};

use crate::support::{
    a_write_waits, channels, clients, connect, end_pause, join, join_quiet, nothing_is_left, pause_writes,
    tasks,
};

#[tokio::test]
async fn the_last_map_and_client_leave_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    assert_eq!((clients(&mut raw), tasks()), (0, 0));
    for map_first in [true, false] {
        let client = connect(server.url()).await;
        let map = must_end(client.map("flags").join()).await.unwrap();
        let clones = (client.clone(), map.clone());
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        // None of these keeps the map open.
        let (view, streams) = (map.view(), (map.subscribe(), map.changes(), map.status_changes()));
        if map_first {
            drop(map);
            drop(clones);
            eventually_async("the map has left", || channels(&mut raw).is_empty()).await;
            assert_eq!(clients(&mut raw), 2);
            drop(client);
        } else {
            drop(client);
            drop(clones);
            must_end(map.set_and_wait("a", "2")).await.unwrap();
            assert_eq!(clients(&mut raw), 2);
            drop(map);
        }
        nothing_is_left(&mut raw).await;
        assert_eq!(view.get("a").unwrap(), "1");
        let (mut events, mut changes, mut statuses) = streams;
        while must_end(events.next()).await.is_some() {}
        while must_end(changes.next()).await.is_some() {}
        while must_end(statuses.next()).await.is_some() {}
    }
}

#[tokio::test]
async fn what_is_closed_leaves_nothing_at_once() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.close()).await;
    assert!(channels(&mut raw).is_empty());
    assert_eq!(clients(&mut raw), 2);
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(client.close()).await;
    nothing_is_left(&mut raw).await;
    drop((client, map));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_come_and_go() {
    let server = Server::start();
    let mut raw = server.connection();
    let before = tasks();
    for round in 0..10 {
        let rounds = (0..10).map(|number| {
            let url = server.url();
            tokio::spawn(async move {
                let map = must_end(connect(url).await.map("flags").join()).await.unwrap();
                let _unread = map.changes();
                must_end(map.set_and_wait(format!("{round}-{number}"), "x")).await.unwrap();
            })
        });
        for task in rounds.collect::<Vec<_>>() {
            must_end(task).await.unwrap();
        }
    }
    eventually_async("no connection is left", || clients(&mut raw) == 0).await;
    eventually_async("no task is left", || tasks() == before).await;
    assert_eq!(join(&server).await.len(), 100);
}

/// Drops the join after any number of steps, from before the first to after the last.
#[tokio::test]
async fn a_join_dropped_at_any_moment_leaves_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = connect(server.url()).await;
    for steps in 0.. {
        let given_up = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
        };
        let joined = tokio::select! {
            biased;
            () = given_up => None,
            joined = client.map("flags").join() => Some(joined.unwrap()),
        };
        eventually_async("only what was joined listens", || {
            channels(&mut raw).len() == if joined.is_some() { 2 } else { 0 }
        })
        .await;
        if let Some(map) = joined {
            must_end(map.set_and_wait("a", "1")).await.unwrap();
            break;
        }
    }
    assert_eq!(clients(&mut raw), 2);
    drop(client);
    nothing_is_left(&mut raw).await;
}

#[tokio::test]
async fn a_join_dropped_while_the_server_is_frozen_leaves_nothing() {
    let server = Server::start();
    let client = connect(server.url()).await;
    server.pause();
    let patience = Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, client.map("flags").join()).await.is_err());
    drop(client);
    eventually_async("no task is left", || tasks() == 0).await;
    server.resume();
    nothing_is_left(&mut server.connection()).await;
}

#[tokio::test]
async fn a_connect_dropped_at_any_moment_leaves_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    for steps in 0.. {
        let given_up = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
        };
        let connected = tokio::select! {
            biased;
            () = given_up => false,
            _ = connect(server.url()) => true,
        };
        nothing_is_left(&mut raw).await;
        if connected {
            break;
        }
    }
}

#[tokio::test]
async fn a_write_dropped_under_way_is_carried_out_at_most_once_and_leaves_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join_quiet(&server).await;
    let mut before = must_end(map.inc("n", 1)).await.unwrap().value;
    for at_the_server in [false, true] {
        pause_writes(&mut raw);
        {
            let mut write = pin!(map.inc("n", 1));
            let _ = tokio::time::timeout(Duration::ZERO, &mut write).await;
            while at_the_server && !a_write_waits(&mut raw) {
                assert!(tokio::time::timeout(Duration::from_millis(5), &mut write).await.is_err());
            }
        }
        end_pause(&mut raw);
        // The connection still works.
        let count = must_end(map.inc("n", 1)).await.unwrap().value;
        assert!((1..=2).contains(&(count - before)), "{before}, {count}");
        must_end(map.sync()).await.unwrap();
        assert_eq!(map.get("n").unwrap(), count.to_string().as_str());
        before = count;
    }
    drop(map);
    nothing_is_left(&mut raw).await;
}

#[tokio::test]
async fn everything_dropped_during_a_write_leaves_nothing() {
    let server = Server::start();
    let map = join(&server).await;
    server.pause();
    let write = tokio::time::timeout(Duration::from_millis(50), map.set("a", "1")).await;
    assert!(write.is_err());
    drop(map);
    eventually_async("no task is left", || tasks() == 0).await;
    server.resume();
    nothing_is_left(&mut server.connection()).await;
}
