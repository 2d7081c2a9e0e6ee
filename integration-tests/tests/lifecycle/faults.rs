//! Lost connections, restarts and a frozen server. Afterwards the content is exact, without a further write.

use std::time::Duration;

use integration_tests::{Server, connections_made, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, EventKind, Map, Outcome, Phase, StatusChanges};

use crate::proxy::Proxy;
use crate::support::{
    a_write_waits, clients, connect, content, end_pause, join, join_quiet, live, pause_writes, stored,
};

fn kill(raw: &mut Connection, kind: &str) -> i64 {
    cmd("CLIENT").arg(&["KILL", "TYPE", kind, "SKIPME", "yes"]).query(raw).unwrap()
}

/// The phases up to the next live one.
async fn phases(statuses: &mut StatusChanges) -> Vec<Phase> {
    let mut phases = Vec::new();
    while phases.last() != Some(&Phase::Live) {
        let phase = must_end(statuses.next()).await.unwrap().phase();
        if phases.last() != Some(&phase) {
            phases.push(phase);
        }
    }
    phases
}

/// The statuses after the current one, which is live.
async fn statuses(map: &Map) -> StatusChanges {
    let mut statuses = map.status_changes();
    assert!(must_end(statuses.next()).await.unwrap().is_live());
    statuses
}

/// Writes once the connection is back. Nothing is written twice.
async fn set_when_connected(map: &Map, key: &str, value: &str) {
    eventually_async("the client is connected", || map.status().is_live()).await;
    while let Err(error) = must_end(map.set(key, value)).await {
        assert!(matches!(error, rmap_client::Error::NotSent { .. }), "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_killed_subscriber_is_replaced_and_misses_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    let (reader, mut changes) = (join(&server).await, Vec::new());
    must_end(reader.set_and_wait("a", "1")).await.unwrap();
    let mut told = reader.changes();
    for round in 0..5 {
        let mut statuses = statuses(&reader).await;
        assert_eq!(kill(&mut raw, "pubsub"), 1);
        // Nobody listens at this moment, so no notification of this write arrives.
        let key = format!("{round}");
        let revision: u64 =
            cmd("HINCRBY").arg("map:flags:content").arg("=rev").arg(1).query(&mut raw).unwrap();
        let _: i64 = cmd("HSET").arg("map:flags:content").arg(&key).arg("missed").query(&mut raw).unwrap();
        assert_eq!(phases(&mut statuses).await[0], Phase::Disconnected);
        assert_eq!(reader.revision().unwrap().get(), revision);
        assert_eq!(content(&reader), stored(&mut raw));
        let change = must_end(told.next()).await.unwrap();
        assert_eq!((change.old, change.new.unwrap()), (None, "missed".into()));
        changes.push(change.key);
    }
    assert_eq!(changes, ["0", "1", "2", "3", "4"]);
    eventually_async("the old connections are gone", || clients(&mut raw) == 2).await;
    must_end(reader.set_and_wait("a", "2")).await.unwrap();
}

#[tokio::test]
async fn a_killed_command_connection_is_replaced() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for round in 0..5 {
        let mut statuses = statuses(&map).await;
        assert_eq!(kill(&mut raw, "normal"), 1);
        assert_eq!(phases(&mut statuses).await[0], Phase::Disconnected);
        assert_eq!(content(&map), stored(&mut raw));
        set_when_connected(&map, "a", &round.to_string()).await;
        must_end(map.sync()).await.unwrap();
        assert_eq!(map.get("a").unwrap(), round.to_string().as_str());
    }
    eventually_async("the old connections are gone", || clients(&mut raw) == 2).await;
}

#[tokio::test]
async fn a_write_whose_connection_is_killed_has_an_unknown_outcome_and_is_not_repeated() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join_quiet(&server).await;
    must_end(map.inc("n", 1)).await.unwrap();
    pause_writes(&mut raw);
    let writing = {
        let map = map.clone();
        tokio::spawn(async move { map.inc("n", 1).await })
    };
    eventually_async("the write waits", || a_write_waits(&mut raw)).await;
    kill(&mut raw, "normal");
    let error = must_end(writing).await.unwrap().unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    end_pause(&mut raw);
    live(&map).await;
    must_end(map.sync()).await.unwrap();
    assert_eq!(map.get("n").unwrap(), "1");
}

#[tokio::test]
async fn a_map_cut_off_reads_on_and_catches_up() {
    let server = Server::start();
    let mut raw = server.connection();
    let proxy = Proxy::new(&server).await;
    let map = must_end(connect(proxy.url()).await.map("flags").join()).await.unwrap();
    let other = join(&server).await;
    for number in 0..10 {
        must_end(map.set_and_wait(number.to_string(), "before")).await.unwrap();
    }
    let (view, mut changes) = must_end(map.view_and_changes()).await;
    let before = content(&map);
    proxy.cut();
    eventually_async("the map knows", || map.status().phase() == Phase::Disconnected).await;
    must_end(other.set("1", "meanwhile")).await.unwrap();
    must_end(other.delete("2")).await.unwrap();
    must_end(other.set("3", "twice")).await.unwrap();
    must_end(other.set("3", "before")).await.unwrap();
    let written = must_end(other.set("new", "meanwhile")).await.unwrap();
    let error = must_end(map.set("4", "x")).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    // A failed reconnect is no change of phase.
    assert_eq!((content(&map), map.status().phase()), (before, Phase::Disconnected));

    proxy.open();
    must_end(map.wait_for(written.revision)).await.unwrap();
    assert_eq!(content(&map), stored(&mut raw));
    let mut net = Vec::new();
    for _ in 0..3 {
        let change = must_end(changes.next()).await.unwrap();
        assert_eq!(view.get(change.key.as_bytes()), change.old.as_ref());
        net.push((change.key.as_str().unwrap().to_owned(), change.new));
    }
    net.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("1", Some("meanwhile")), ("2", None), ("new", Some("meanwhile"))];
    assert_eq!(net, expected.map(|(key, new)| (key.to_owned(), new.map(Into::into))));
}

#[tokio::test]
async fn a_server_that_restarts_empty_empties_the_map() {
    let server = Server::start();
    let (map, other) = (join(&server).await, join(&server).await);
    let before = must_end(map.set_and_wait("a", "1")).await.unwrap();
    must_end(other.wait_for(before.revision)).await.unwrap();
    let mut events = map.subscribe();
    server.restart();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    for map in [&map, &other] {
        eventually_async("the map is empty", || map.is_empty() && map.revision().is_none()).await;
    }
    set_when_connected(&map, "a", "2").await;
    must_end(map.sync()).await.unwrap();
    assert_eq!((map.get("a").unwrap(), map.revision().unwrap() > before.revision), ("2".into(), true));
    eventually_async("the other map follows", || other.revision() == map.revision()).await;
}

#[tokio::test]
async fn a_server_that_restarts_with_its_content_changes_nothing() {
    let server = Server::builder().persistent().start();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let (mut statuses, mut changes) = (statuses(&map).await, map.changes());
    server.kill();
    server.restart();
    phases(&mut statuses).await;
    must_end(map.sync()).await.unwrap();
    assert_eq!(content(&map), stored(&mut server.connection()));
    set_when_connected(&map, "a", "2").await;
    // No other change was emitted.
    assert_eq!(must_end(changes.next()).await.unwrap().new.unwrap(), "2");
}

#[tokio::test]
async fn a_frozen_server_is_noticed_and_what_it_did_is_repaired() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let mut events = map.subscribe();
    server.pause();
    eventually_async("the map knows", || !map.status().is_live()).await;
    assert_eq!((map.get("a").unwrap(), map.len()), ("1".into(), 1));
    eventually_async("the connection is given up", || map.status().phase() == Phase::Disconnected).await;
    assert_eq!(map.get("a").unwrap(), "1");
    let error = must_end(map.set("a", "2")).await.unwrap_err();
    assert!(matches!(error.outcome(), Some(Outcome::Rejected | Outcome::Indeterminate)), "{error}");
    // The command waits in the socket until the server goes on.
    raw.send_packed_command(&cmd("DEL").arg("map:flags:content").get_packed_command()).unwrap();
    server.resume();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    eventually_async("the map is live", || map.status().is_live()).await;
    assert_eq!((map.len(), map.revision()), (0, None));
    set_when_connected(&map, "a", "3").await;
    must_end(map.sync()).await.unwrap();
    assert_eq!(map.get("a").unwrap(), "3");
}

/// A task occupies the only thread, with few pauses, for longer than a server may be silent. Messages that arrived
/// meanwhile must be received before the connection counts as dead.
#[tokio::test(flavor = "current_thread")]
async fn a_runtime_that_is_held_up_keeps_its_connections() {
    let server = Server::start();
    let map = must_end(Client::connect(&server.url())).await.unwrap().map("flags").join();
    let map = must_end(map).await.unwrap();
    let mut raw = server.connection();
    let made = connections_made(&mut raw);
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(1_100));
        // Long enough for a PING to be sent, too short for its answer.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    std::thread::sleep(Duration::from_secs(4));
    must_end(map.sync()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    assert_eq!(connections_made(&mut raw), made);
}
