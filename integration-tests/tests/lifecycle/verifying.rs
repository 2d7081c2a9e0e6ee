//! Differences from the hash although revision, number of fields and replication id agree.

use std::time::{Duration, Instant};

use integration_tests::{Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd, pipe};
use rmap_client::proto::{Change, Notification};
use rmap_client::{Client, Discrepancy, Map, MapSettings, Revision};

use crate::support::{content, join, join_quiet, live, stored};

const HASH: &str = "map:flags:content";

/// A map too large for one read, and the handle that wrote it.
async fn large(server: &Server) -> Map {
    let map = join(server).await;
    for part in 0..6 {
        let mut batch = map.batch();
        for number in 0..500 {
            batch = batch.set(format!("k{}", part * 500 + number), "v");
        }
        must_end(batch.commit()).await.unwrap();
    }
    map
}

fn dump(raw: &mut Connection) -> Vec<u8> {
    cmd("DUMP").arg(HASH).query(raw).unwrap()
}

fn restore(raw: &mut Connection, copy: &[u8]) {
    cmd("RESTORE").arg(HASH).arg(0).arg(copy).arg("REPLACE").exec(raw).unwrap();
}

fn hash_revision(raw: &mut Connection) -> u64 {
    cmd("HGET").arg(HASH).arg("=rev").query(raw).unwrap()
}

async fn exact(raw: &mut Connection, map: &Map) {
    eventually_async("the content is the hash's", || content(map) == stored(raw)).await;
}

/// The same for a background verification. Its pauses are 99 times as long as its pages, which is long on a busy
/// computer.
async fn exact_in_time(raw: &mut Connection, map: &Map) {
    let begin = Instant::now();
    while content(map) != stored(raw) || map.status().is_in_doubt() {
        assert!(begin.elapsed() < Duration::from_secs(300), "not verified: {:?}", map.status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Ten writes that the replica has, and ten that it lacks: the hash was restored in between, while the replica was
/// away.
async fn restored_while_away(told: impl Fn(usize) -> String, other: impl Fn(usize) -> String) {
    let server = Server::start();
    let mut raw = server.connection();
    let writer = large(&server).await;
    let proxy = Proxy::new(&server).await;
    let client = must_end(Client::connect(&proxy.url())).await.unwrap();
    let map = must_end(client.map("flags").join()).await.unwrap();

    let copy = dump(&mut raw);
    for number in 0..10 {
        must_end(writer.set(told(number), "told")).await.unwrap();
    }
    exact(&mut raw, &map).await;
    let (view, mut changes) = must_end(map.view_and_changes()).await;
    proxy.refuse();
    proxy.cut(None);
    eventually_async("the replica is away", || !map.status().is_live()).await;
    let revision = hash_revision(&mut raw);
    restore(&mut raw, &copy);
    for number in 0..10 {
        must_end(writer.set(other(number), "other")).await.unwrap();
    }
    assert_eq!(hash_revision(&mut raw), revision);
    assert_ne!(content(&map), stored(&mut raw));
    proxy.heal();

    exact_in_time(&mut raw, &map).await;
    live(&map).await;
    must_end(map.sync()).await.unwrap();
    assert_eq!(content(&map), stored(&mut raw));
    // The test needs a skipped snapshot.
    assert_eq!(view.revision(), map.revision());
    let mut told = 0;
    while told < 20 {
        let change = must_end(changes.next()).await.unwrap();
        assert_eq!(change.old.as_ref(), view.get(change.key.as_bytes()));
        assert_eq!(change.new, map.get(change.key.as_bytes()));
        told += 1;
    }
    assert!(must_end(map.verify()).await.unwrap().agrees());
}

#[tokio::test]
async fn other_values_at_the_same_revision_are_found_after_a_skipped_snapshot() {
    restored_while_away(|number| format!("k{number}"), |number| format!("k{}", 2000 + number)).await;
}

#[tokio::test]
async fn other_keys_at_the_same_revision_are_found_after_a_skipped_snapshot() {
    restored_while_away(|number| format!("told{number}"), |number| format!("other{number}")).await;
}

#[tokio::test]
async fn a_forged_first_write_at_the_current_revision_is_repaired_before_anything_is_proven() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join_quiet(&server).await;
    must_end(map.set_and_wait("k", "honest")).await.unwrap();
    // Each is followed by a longer pause.
    for round in 0..6u64 {
        let revision = Revision::new(hash_revision(&mut raw)).unwrap();
        let change = Change::Set { key: b"k", value: b"evil" };
        let forged = Notification::new(revision, change).born(true);
        let mut payloads = vec![forged.encode()];
        if round % 2 == 1 {
            // A reset comes first, so that the forgery does not have the local revision.
            payloads.insert(0, Notification::new(revision.next().unwrap(), Change::Reset).encode());
        }
        for payload in payloads {
            cmd("PUBLISH").arg("map:flags:updates").arg(payload).exec(&mut raw).unwrap();
        }
        must_end(map.sync()).await.unwrap();
        assert_eq!(map.get("k").unwrap(), "honest", "round {round}");
        if round % 3 == 2 {
            must_end(map.set_and_wait("k", "honest")).await.unwrap();
        }
    }
    assert!(!map.status().is_in_doubt());
}

/// Direct changes of the content that keep revision and number of fields.
fn past_the_map(raw: &mut Connection) -> Vec<(&'static str, Discrepancy)> {
    let (missing, extra, other) = (Discrepancy::Missing, Discrepancy::Extra, Discrepancy::Other);
    let swap = |raw: &mut Connection| {
        let mut swap = pipe();
        swap.atomic().hdel(HASH, "b").ignore().hset(HASH, "new", "by hand").ignore();
        swap.exec(raw).unwrap();
    };
    let fields: u64 = cmd("HEXISTS").arg(HASH).arg("new").query(raw).unwrap();
    if fields == 0 {
        cmd("HSET").arg(HASH).arg("a").arg("by hand").exec(raw).unwrap();
        swap(raw);
        return vec![("a", other), ("b", extra), ("new", missing)];
    }
    // Another hash takes the place of this one.
    let revision = hash_revision(raw);
    let mut rename = pipe();
    rename.cmd("HSET").arg("copy").arg(&["a", "renamed", "c", "3", "d", "4"]).ignore();
    rename.cmd("HSET").arg("copy").arg("=rev").arg(revision).arg("=kind").arg("set").ignore();
    rename.cmd("RENAME").arg("copy").arg(HASH).ignore();
    rename.exec(raw).unwrap();
    vec![("a", other), ("d", missing), ("new", extra)]
}

#[tokio::test]
async fn a_verification_names_what_was_changed_past_the_map() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(&server).await;
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        must_end(map.set_and_wait(key, value)).await.unwrap();
    }
    for _ in 0..2 {
        let expected = past_the_map(&mut raw);
        must_end(map.sync()).await.unwrap();
        assert_ne!(content(&map), stored(&mut raw), "a proof finds nothing");
        let verified = must_end(map.verify()).await.unwrap();
        let named: Vec<_> = verified.differing.iter().map(|it| (it.key.as_str().unwrap(), it.how)).collect();
        assert_eq!(named, expected);
        assert_eq!((verified.compared, verified.revision), (3, map.revision()));
        assert_eq!(content(&map), stored(&mut raw));
        assert!(must_end(map.verify()).await.unwrap().agrees());
    }
}

#[tokio::test]
async fn the_setting_finds_what_was_changed_past_the_map() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    let config = MapSettings::default().verify_interval(Duration::from_millis(100));
    let map = must_end(client.map("flags").settings(config).join()).await.unwrap();
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        must_end(map.set_and_wait(key, value)).await.unwrap();
    }
    for _ in 0..2 {
        past_the_map(&mut raw);
        exact(&mut raw, &map).await;
    }
    for number in 0..20 {
        cmd("HSET").arg(HASH).arg("a").arg(number).exec(&mut raw).unwrap();
        exact(&mut raw, &map).await;
    }
}

/// Fields move while the hash grows and shrinks, and pages are ahead of the notifications or behind them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_during_verifications_are_no_differences() {
    let server = Server::start();
    let client = must_end(Client::connect(&server.url())).await.unwrap();
    let pages = MapSettings::default().page_fields(10).verify_interval(Duration::from_millis(1));
    let map = must_end(client.map("flags").settings(pages).join()).await.unwrap();
    let mut writers = Vec::new();
    for writer in 0..4 {
        let other = join(&server).await;
        writers.push(tokio::spawn(async move {
            for number in 0..2000 {
                let key = format!("{writer} {}", number * 7 % 900);
                if number % 3 == 2 {
                    other.delete(key).await.unwrap();
                } else {
                    other.set(key, number.to_string()).await.unwrap();
                }
            }
        }));
    }
    let mut verified = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let outcome = must_end(map.verify()).await.unwrap();
        assert!(outcome.agrees(), "{outcome:?}");
        verified += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    println!("{verified} verifications during 8,000 writes");
    assert!(verified > 0);
    assert_eq!((map.status().differed(), map.status().resyncs()), (0, 0));
    exact(&mut server.connection(), &map).await;
}
