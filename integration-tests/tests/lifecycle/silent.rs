//! Silent changes of the hash are detected without a further write.

use std::collections::BTreeMap;
use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::{Cmd, cmd};
use rmap_client::{Error, EventKind, Key, Map, MapSettings, Outcome, Revision, Value};

use crate::support::{connect, connect_with, content, join, live, stored};

/// Runs a command on the hash of a live map. The map must become empty, and then begin a new life.
async fn cleared_by(server: &Server, map: &Map, command: &Cmd) {
    let before = emptied_by(server, map, command).await;
    a_new_life_begins(map, before).await;
}

/// Runs a command on the hash of a live map, which must become empty. Returns the map's revision from before.
async fn emptied_by(server: &Server, map: &Map, command: &Cmd) -> Option<Revision> {
    for key in ["a", "b", "c"] {
        must_end(map.set_and_wait(key, key)).await.unwrap();
    }
    let before = map.revision();
    let (mut events, (view, mut changes)) = (map.subscribe(), must_end(map.view_and_changes()).await);
    let () = command.query(&mut server.connection()).unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    assert_eq!((map.len(), map.revision(), map.get("a")), (0, None, None));
    let mut gone = BTreeMap::new();
    for _ in 0..3 {
        let change = must_end(changes.next()).await.unwrap();
        assert_eq!(change.new, None);
        gone.insert(change.key, change.old.unwrap());
    }
    assert_eq!(gone, view.iter().map(|(key, value)| (Key::from(key), value.clone())).collect());
    live(map).await;
    before
}

async fn a_new_life_begins(map: &Map, before: Option<Revision>) {
    let written = must_end(map.set_and_wait("d", "4")).await.unwrap();
    assert!(Some(written.revision) > before);
    assert_eq!((map.len(), written.previous), (1, None));
    must_end(map.reset()).await.unwrap();
}

#[tokio::test]
async fn flush_and_delete_clear_the_map() {
    let server = Server::start();
    let map = join(&server).await;
    let key = "map:flags:content";
    for command in [
        cmd("FLUSHALL"),
        cmd("FLUSHDB").arg("ASYNC").to_owned(),
        cmd("DEL").arg(key).to_owned(),
        cmd("UNLINK").arg(key).to_owned(),
        cmd("RENAME").arg(key).arg("elsewhere").to_owned(),
    ] {
        cleared_by(&server, &map, &command).await;
    }
}

#[tokio::test]
async fn expiry_clears_the_map() {
    let server = Server::start();
    let map = join(&server).await;
    cleared_by(&server, &map, cmd("PEXPIRE").arg("map:flags:content").arg(1)).await;
    cleared_by(&server, &map, cmd("PEXPIRE").arg("map:flags:content").arg(250)).await;
}

fn memory(server: &Server, policy: &str, limit: &str) {
    let settings = ["SET", "maxmemory-policy", policy, "maxmemory", limit];
    let () = cmd("CONFIG").arg(&settings).query(&mut server.connection()).unwrap();
}

/// A server with full memory evicts whatever its policy allows, without any notification.
#[tokio::test]
async fn an_eviction_clears_the_map() {
    let server = Server::start();
    let map = join(&server).await;
    let mortal = must_end(connect(server.url()).await.map("flags").ttl(Duration::from_secs(3600)).join());
    let mortal = mortal.await.unwrap();
    let full = cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).to_owned();
    for (policy, map) in [
        ("allkeys-lru", &map),
        ("allkeys-lfu", &map),
        ("allkeys-random", &map),
        ("volatile-lru", &mortal),
        ("volatile-ttl", &mortal),
    ] {
        memory(&server, policy, "0");
        let before = emptied_by(&server, map, &full).await;
        memory(&server, policy, "0");
        a_new_life_begins(map, before).await;
        let () = cmd("FLUSHALL").query(&mut server.connection()).unwrap();
        eventually_async("no hash is left", || map.revision().is_none()).await;
    }
}

#[tokio::test]
async fn a_map_that_the_policy_protects_is_not_evicted() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for policy in ["noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        memory(&server, policy, "1");
        // The server first looks for something to evict, and then refuses.
        let error = must_end(map.set("b", "2")).await.unwrap_err();
        assert!(
            error.outcome() == Some(Outcome::Rejected) && error.to_string().contains("OOM"),
            "{policy}: {error}"
        );
        must_end(map.sync()).await.unwrap();
        assert_eq!(content(&map), stored(&mut raw), "{policy}");
        assert!(map.contains("a"), "{policy}");
    }
}

#[tokio::test]
async fn the_time_to_live_of_a_map_clears_it_everywhere() {
    let server = Server::start();
    let (client, other) = (connect(server.url()).await, join(&server).await);
    for sliding in [false, true] {
        let builder = client.map("flags");
        let ttl = Duration::from_millis(500);
        let map =
            must_end(if sliding { builder.sliding_ttl(ttl) } else { builder.ttl(ttl) }.join()).await.unwrap();
        let mut events = other.subscribe();
        must_end(map.set("a", "1")).await.unwrap();
        let reset = async { while events.next().await != Some(EventKind::Reset) {} };
        must_end(reset).await;
        for map in [&map, &other] {
            eventually_async("the map is empty", || map.is_empty() && map.revision().is_none()).await;
        }
    }
}

/// No probe foresees the expiry, and no regular probe comes. The maps know the time to live that their handles set.
#[tokio::test]
async fn a_time_to_live_below_the_probe_interval_clears_the_map() {
    let server = Server::start();
    let hour = MapSettings::default().probe_interval(Duration::from_secs(3600));
    for (sliding, millis) in [(false, 300), (true, 300), (false, 20), (true, 20)] {
        let mut maps = Vec::new();
        for _ in 0..2 {
            let client = connect_with(server.url(), Duration::from_secs(3600)).await;
            let (builder, ttl) = (client.map("flags").settings(hour.clone()), Duration::from_millis(millis));
            let builder = if sliding { builder.sliding_ttl(ttl) } else { builder.ttl(ttl) };
            maps.push(must_end(builder.join()).await.unwrap());
        }
        for round in 0..3 {
            let written = must_end(maps[round % 2].set("a", "1")).await.unwrap();
            for map in &maps {
                eventually_async("the map is empty again", || map.is_empty() && map.revision().is_none())
                    .await;
            }
            // Two writes of different kinds follow at once.
            let counted = must_end(maps[0].inc("n", 1)).await.unwrap();
            assert!(counted.revision > written.revision);
            for map in &maps {
                eventually_async("and again", || map.is_empty() && map.revision().is_none()).await;
            }
        }
    }
}

#[tokio::test]
async fn a_wait_across_the_end_of_the_hash_is_told() {
    let server = Server::start();
    let map = join(&server).await;
    let written = must_end(map.set_and_wait("a", "1")).await.unwrap();
    let next = written.revision.next();
    let () = cmd("FLUSHALL").query(&mut server.connection()).unwrap();
    let error = must_end(map.wait_for(next)).await.unwrap_err();
    assert!(matches!(error, Error::HistoryBroken { .. }), "{error}");
}

#[tokio::test]
async fn fields_written_past_the_map_are_found() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    let _: i64 = cmd("HSET").arg("map:flags:content").arg("b").arg("2").query(&mut raw).unwrap();
    eventually_async("the new field", || map.get("b").is_some_and(|value| value == "2")).await;
    let _: i64 = cmd("HDEL").arg("map:flags:content").arg("a").query(&mut raw).unwrap();
    eventually_async("the field is gone", || !map.contains("a")).await;
    let _: i64 =
        cmd("HSET").arg("map:flags:content").arg("=rev").arg("5").arg("b").arg("3").query(&mut raw).unwrap();
    eventually_async("the older revision", || map.revision().is_some_and(|revision| revision.get() == 5))
        .await;
    assert_eq!(content(&map), stored(&mut raw));
    assert!(map.status().resyncs() >= 3);
}

#[tokio::test]
async fn what_is_no_notification_is_repaired() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    for payload in [
        &b"nonsense"[..],
        b"",
        b"set:",
        b"set:\xff\xff\xff\xffabc",
        b"reset:x",
        b"del:\x01\0\0\0a\x01\0\0\0z",
    ] {
        let resyncs = map.status().resyncs();
        let _: i64 = cmd("PUBLISH").arg("map:flags:updates").arg(payload).query(&mut raw).unwrap();
        eventually_async("a resync", || map.status().resyncs() > resyncs && map.status().is_live()).await;
        assert_eq!((map.get("a"), map.len()), (Some(Value::from("1")), 1));
    }
    must_end(map.set_and_wait("a", "2")).await.unwrap();
}
