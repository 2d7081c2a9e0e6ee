//! Lost connections and servers that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use integration_tests::{Server, eventually_async};
use redis::cmd;
use rmap_client::Reason;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Event, Transport, TransportError};
use rmap_proto::WriteError;

use super::support::{
    Paused, channels, clients, connect, connected, disconnected, inc, map, message, must, run, set,
};

#[tokio::test]
async fn nothing_is_counted_twice_while_the_command_connection_is_killed() {
    const WRITERS: usize = 16;
    const KILLS: u64 = 8;
    const WRITES: u64 = 1000;
    let server = Server::start();
    let transport = connect(&server).await;
    let map = map();
    assert_eq!(transport.next_event().await, Event::Connected { connection: 1 });
    let [acknowledged, unknown] = [const { AtomicU64::new(0) }; 2].map(Arc::new);
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (transport, map) = (Arc::clone(&transport), map.clone());
            let (acknowledged, unknown, done) = (acknowledged.clone(), unknown.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    match run(&transport, &map, inc("n")).await {
                        Ok(_) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        Err(TransportError::Indeterminate(_)) => unknown.fetch_add(1, Ordering::Relaxed),
                        Err(TransportError::NotSent(_)) => {
                            tokio::task::yield_now().await;
                            continue;
                        }
                        Err(error) => panic!("{error}"),
                    };
                }
            })
        })
        .collect();
    let mut raw = server.connection();
    for kill in 1..=KILLS {
        let before = acknowledged.load(Ordering::Relaxed);
        eventually_async("more writes", || acknowledged.load(Ordering::Relaxed) > before + WRITES).await;
        let _: i64 = cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).query(&mut raw).unwrap();
        disconnected(&transport).await;
        assert_eq!(connected(&transport).await, kill + 1);
    }
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        must(writer).await.unwrap();
    }
    let counted: u64 = cmd("HGET").arg(&map.hash_key()[..]).arg("n").query(&mut raw).unwrap();
    let (acknowledged, unknown) = (acknowledged.load(Ordering::Relaxed), unknown.load(Ordering::Relaxed));
    assert!(acknowledged <= counted, "{acknowledged} acknowledged, {counted} counted");
    assert!(
        counted <= acknowledged + unknown,
        "{acknowledged} acknowledged, {unknown} unknown, {counted} counted"
    );
}

#[tokio::test]
async fn a_killed_subscriber_is_reported_and_replaced() {
    let server = Server::start();
    let transport = connect(&server).await;
    let map = map();
    let [updates, private] = channels(&map);
    let mut raw = server.connection();
    for round in 1..=5 {
        assert_eq!(connected(&transport).await, round);
        transport.subscribe(&[updates.clone(), private.clone()]).await.unwrap();
        run(&transport, &map, set("k", "v")).await.unwrap();
        message(&transport, &updates).await;
        let killed: i64 = cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).query(&mut raw).unwrap();
        assert_eq!(killed, 1);
        disconnected(&transport).await;
    }
    // Both connections of the lost pair are gone, not only the killed one.
    connected(&transport).await;
    eventually_async("the old connections to go", || clients(&mut raw) == 2).await;
}

#[tokio::test]
async fn while_the_server_is_away_nothing_hangs_and_nothing_is_kept_for_later() {
    let server = Server::start();
    let transport = connect(&server).await;
    let map = map();
    connected(&transport).await;
    run(&transport, &map, inc("n")).await.unwrap();
    server.kill();
    disconnected(&transport).await;
    for _ in 0..100 {
        let error = must(run(&transport, &map, inc("n"))).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    }
    let error = must(transport.subscribe(&channels(&map))).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    server.restart();
    connected(&transport).await;
    // The restarted server is empty, so this is its first write.
    assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), "1");
    assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), "2");
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_queued_writes_die_with_the_connection() {
    let server = Server::start();
    let map = map();
    // From now on the server knows the script, so it would run a waiting write when it thaws.
    run(&connect(&server).await, &map, inc("n")).await.unwrap();
    let options = RedisOptions::from_url(&server.url()).unwrap().command_timeout(Duration::from_millis(200));
    let transport = RedisTransport::connect(options).await.unwrap();
    connected(&transport).await;
    let frozen = Paused::new(&server);
    let mut unknown = 0;
    // The PINGs on the subscriber connection detect the frozen server.
    let gone = async {
        disconnected(&transport).await;
    };
    let writes = async {
        loop {
            // Counted in advance, because the last of them is cut off.
            unknown += 1;
            match must(run(&transport, &map, inc("n"))).await {
                Err(TransportError::Indeterminate(_)) => {}
                Err(TransportError::NotSent(_)) => {
                    unknown -= 1;
                    tokio::task::yield_now().await;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        () = must(gone) => {}
        () = writes => {}
    }
    let error = must(run(&transport, &map, inc("n"))).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error}");
    drop(frozen);
    connected(&transport).await;
    let mut raw = server.connection();
    let counted: u64 = cmd("HGET").arg(&map.hash_key()[..]).arg("n").query(&mut raw).unwrap();
    assert!(counted <= 1 + unknown, "{counted} counted, {unknown} unknown");
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    let map = map();
    connected(&transport).await;
    let _: () = cmd("REPLICAOF").arg(&["127.0.0.1", "1"]).query(&mut raw).unwrap();
    let error = run(&transport, &map, inc("n")).await.unwrap_err();
    assert!(
        matches!(&error, TransportError::Authority(WriteError::Rejected(error)) if error.code == "READONLY"),
        "{error}"
    );
    disconnected(&transport).await;
    let _: () = cmd("REPLICAOF").arg(&["NO", "ONE"]).query(&mut raw).unwrap();
    connected(&transport).await;
    assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), "1");
}

#[tokio::test]
async fn only_the_current_connections_are_replaced() {
    let server = Server::start();
    let transport = connect(&server).await;
    let mut raw = server.connection();
    assert_eq!(connected(&transport).await, 1);
    transport.replace_connections(1, &Reason::NoAnswer).await;
    transport.replace_connections(1, &Reason::NoAnswer).await;
    disconnected(&transport).await;
    assert_eq!(connected(&transport).await, 2);
    transport.replace_connections(1, &Reason::NoAnswer).await;
    // The stale request is ignored, so a message follows on the same connection.
    let map = map();
    transport.subscribe(&channels(&map)).await.unwrap();
    run(&transport, &map, set("k", "v")).await.unwrap();
    message(&transport, &map.updates_channel()).await;
    eventually_async("the old connections to go", || clients(&mut raw) == 2).await;
}
