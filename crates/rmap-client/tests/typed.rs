//! Typed handles: decoded once, consistent, and never without the last good value.

#[path = "support/numbers.rs"]
mod numbers;
mod support;

use std::sync::Arc;

use rmap_client::typed::{Codec, CodecError, Why};
use rmap_client::{Client, Error, Map, MapSettings, MemoryServer, Outcome, TypedMap};

use numbers::Numbers;
use support::eventually;

async fn joined(server: &MemoryServer) -> TypedMap<String, i64> {
    let map = server.client().map("limits").typed::<i64>(Numbers::default());
    map.accept(|_, limit| *limit < 1000).join().await.expect("the server is up")
}

fn values(map: &TypedMap<String, i64>) -> Vec<(String, i64)> {
    let mut values: Vec<_> = map.view().iter().map(|entry| (entry.key, **entry.value)).collect();
    values.sort();
    values
}

fn rejected(map: &TypedMap<String, i64>) -> Vec<String> {
    let mut keys: Vec<_> = map.rejected().iter().map(|rejected| rejected.key().to_string()).collect();
    keys.sort();
    assert_eq!(map.status().rejected(), keys.len());
    keys
}

#[tokio::test]
async fn a_value_is_decoded_once_per_change_and_never_by_a_read() {
    let numbers = Numbers::default();
    let bytes = Client::in_memory().map("limits").join().await.unwrap();
    bytes.set("a", "1").visible().await.unwrap();
    let map = bytes.typed::<i64>(numbers.clone()).join().await.unwrap();
    assert_eq!(numbers.decoded(), 1);
    let first = map.get("a").unwrap();
    for _ in 0..100 {
        assert!(Arc::ptr_eq(&first, &map.get("a").unwrap()));
        assert!(Arc::ptr_eq(&first, map.view().get("a").unwrap()));
    }
    let clone = map.clone();
    clone.set("b", &2).visible().await.unwrap();
    clone.set("a", &3).visible().await.unwrap();
    assert_eq!((*map.get("a").unwrap(), *map.get("b").unwrap(), *first), (3, 2, 1));
    map.sync().await.unwrap();
    assert_eq!(numbers.decoded(), 3);
}

#[tokio::test]
async fn a_bad_value_keeps_the_last_good_one_until_a_good_one_comes_or_the_key_goes() {
    let map = joined(&MemoryServer::new()).await;
    let (bytes, mut rejections) = (map.untyped().clone(), map.rejections());
    map.set("a", &1).visible().await.unwrap();
    for (bad, why) in [("x", "the value was not decoded: "), ("1000", "the value was not accepted")] {
        let written = bytes.set("a", bad).await.unwrap();
        map.wait_for(written.revision).await.unwrap();
        assert_eq!((values(&map), rejected(&map)), (vec![("a".to_owned(), 1)], vec!["a".to_owned()]));
        assert_eq!(bytes.get("a").unwrap(), bad, "the bytes are there");
        let view = map.view();
        let marked = view.rejected("a").unwrap();
        assert_eq!((marked.revision(), view.revision()), (Some(written.revision), Some(written.revision)));
        assert!(view.iter().all(|entry| entry.rejected == Some(marked)) && marked.keeps_last_good());
        assert!(marked.why().to_string().starts_with(why), "{}", marked.why());
        assert_eq!(rejections.next().await.as_ref(), Some(marked));
    }
    map.set("a", &2).visible().await.unwrap();
    assert_eq!((values(&map), rejected(&map)), (vec![("a".to_owned(), 2)], vec![]));

    let written = bytes.set("b", "x").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    assert_eq!((map.get("b"), map.contains("b"), map.len()), (None, false, 1));
    assert!(!map.rejected()[0].keeps_last_good());
    bytes.set("a", "x").await.unwrap();
    map.delete("a").visible().await.unwrap();
    assert_eq!((map.get("a"), rejected(&map)), (None, vec!["b".to_owned()]));
    map.reset().visible().await.unwrap();
    assert_eq!((map.len(), rejected(&map).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_good_value_outlives_resyncs_and_outages() {
    let server = MemoryServer::new();
    let (map, writer) = (joined(&server).await, server.client().map("limits").join().await.unwrap());
    map.set("a", &1).visible().await.unwrap();
    map.set("b", &2).visible().await.unwrap();
    server.lose_messages(2);
    let written = writer.set("a", "bad").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    assert_eq!((*map.get("a").unwrap(), rejected(&map)), (1, vec!["a".to_owned()]));
    for resync in [MemoryServer::lag, MemoryServer::drop_connections] {
        let resyncs = map.status().resyncs();
        resync(&server);
        writer.set("b", "worse").await.unwrap();
        eventually("live again", || map.status().is_live() && rejected(&map).len() == 2).await;
        assert!(map.status().resyncs() >= resyncs);
        assert_eq!(values(&map), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    }
    server.go_down();
    eventually("disconnected", || !map.status().is_live()).await;
    assert_eq!(values(&map), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
}

#[tokio::test]
async fn a_codec_or_a_check_that_panics_rejects_the_value_alone() {
    let map = Client::in_memory().map("limits").typed::<i64>(Numbers::default());
    let map =
        map.accept(|_, limit| if *limit == 7 { panic!("no sevens") } else { true }).join().await.unwrap();
    let bytes = map.untyped();
    bytes.batch().set("a", "panic").set("b", "7").set("c", "8").commit().await.unwrap();
    map.sync().await.unwrap();
    assert_eq!(values(&map), [("c".to_owned(), 8)]);
    assert!(map.rejected().iter().all(|rejected| *rejected.why() == Why::Panicked));
    assert_eq!(rejected(&map), ["a", "b"]);
}

#[tokio::test]
async fn what_a_check_says_is_listed_and_no_value_is_in_a_debug_form() {
    let map = Client::in_memory().map("limits").typed::<i64>(Numbers::default());
    let map = map.accept(|key: &String, limit| Err::<(), _>(format!("{key} is {limit}"))).await.unwrap();
    let mut changes = map.changes();
    map.set("secret", &4711).visible().await.unwrap();
    let rejected = &map.rejected()[0];
    assert_eq!(rejected.why().to_string(), "the value was not accepted: secret is 4711");
    assert!(!format!("{rejected:?} {map:?} {:?}", map.view()).contains("4711"));
    map.close().await;
    assert_eq!(changes.next().await, None, "a rejected value is no change");
}

#[tokio::test]
async fn conditions_compare_bytes() {
    let map = joined(&MemoryServer::new()).await;
    assert!(map.set_if_not_exists("a", &1).await.unwrap().applied);
    assert!(!map.set_if_not_exists("a", &2).await.unwrap().applied);
    assert!(!map.test_and_set("a", &2, &3).await.unwrap().applied);
    assert!(map.test_and_set("a", &1, &3).visible().await.unwrap().applied);
    assert_eq!(*map.get("a").unwrap(), 3);
    map.untyped().set("a", "+3").visible().await.unwrap();
    let attempt = map.test_and_delete("a", &3).await.unwrap();
    assert!(!attempt.applied, "the same number in other bytes");
    assert_eq!(map.decode(&attempt.previous.unwrap()).unwrap(), 3);
    let batch = map.batch().test("a", &3).set("b", &1);
    assert!(!batch.commit().await.unwrap().applied);
    map.set("a", &3).await.unwrap();
    let batch = map.batch().test("a", &3).test_absent("b").set("b", &1).delete("a");
    assert!(batch.commit().visible().await.unwrap().applied);
    assert_eq!(values(&map), [("b".to_owned(), 1)]);
    assert!(!map.test_and_reset([("b", &2)]).await.unwrap().applied);
    assert!(map.test_and_reset([("b", &1)]).visible().await.unwrap().applied);
    assert!(map.is_empty());
}

#[tokio::test]
async fn what_cannot_be_encoded_is_not_sent() {
    let map = joined(&MemoryServer::new()).await;
    let text = "map limits: the value for key a cannot be encoded: 13 brings bad luck";
    let refused = [
        map.set("a", &13).await.map(drop),
        map.test_and_set("a", &1, &13).await.map(drop),
        map.test_and_set("a", &13, &1).await.map(drop),
        map.batch().set("b", &1).set("a", &13).commit().await.map(drop),
        map.test_and_reset([("a", &13)]).await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.outcome()), (text, Some(Outcome::Rejected)));
    }
    assert!(matches!(map.set("=", &13).await, Err(Error::InvalidKey { .. })));
    map.sync().await.unwrap();
    assert_eq!(map.revision(), None);
}

#[tokio::test(start_paused = true)]
async fn both_kinds_of_handle_share_one_replica() {
    let server = MemoryServer::new();
    let bytes = server.client().map("limits").join().await.unwrap();
    let subscriptions = server.subscriptions();
    let first = bytes.typed::<i64>(Numbers::default()).join().await.unwrap();
    let second = first.untyped().typed::<String>(Words).join().await.unwrap();
    assert_eq!(server.subscriptions(), subscriptions);
    bytes.set("a", "1").await.unwrap();
    first.sync().await.unwrap();
    second.sync().await.unwrap();
    assert_eq!((*first.get("a").unwrap(), second.get("a").unwrap().as_str()), (1, "1"));
    drop((bytes, second));
    first.set("a", &2).visible().await.unwrap();
    let (mut changes, mut rejections) = (first.changes(), first.rejections());
    drop(first);
    // The streams keep nothing open.
    assert_eq!((changes.next().await, rejections.next().await), (None, None));
}

#[derive(Debug)]
struct Words;

impl Codec<String> for Words {
    fn encode(&self, value: &String) -> Result<Vec<u8>, CodecError> {
        Ok(value.clone().into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, CodecError> {
        Ok(String::from_utf8(bytes.to_vec())?)
    }
}

#[tokio::test]
async fn a_typed_handle_that_is_dropped_decodes_nothing_more() {
    let numbers = Numbers::default();
    let bytes = Client::in_memory().map("limits").join().await.unwrap();
    let map = bytes.typed::<i64>(numbers.clone()).join().await.unwrap();
    map.set("a", &1).visible().await.unwrap();
    drop(map);
    bytes.set("a", "2").visible().await.unwrap();
    bytes.sync().await.unwrap();
    assert_eq!(numbers.decoded(), 1);
}

#[tokio::test]
async fn a_closed_map_serves_its_last_typed_content() {
    let bytes = Client::in_memory().map("limits").join().await.unwrap();
    let early = bytes.typed::<i64>(Numbers::default()).join().await.unwrap();
    let written = bytes.batch().set("a", "1").set("b", "x").commit().await.unwrap();
    bytes.wait_for(written.revision).await.unwrap();
    early.close().await;
    let late = bytes.typed::<i64>(Numbers::default()).join().await.unwrap();
    for map in [early, late] {
        assert_eq!((values(&map), rejected(&map)), (vec![("a".to_owned(), 1)], vec!["b".to_owned()]));
        assert_eq!((map.revision(), map.is_closed()), (written.revision, true));
        assert!(matches!(map.set("a", &2).await, Err(Error::Closed { .. })));
        assert!(matches!(map.sync().await, Err(Error::Closed { .. })));
    }
}

#[tokio::test]
async fn a_close_waits_until_the_last_change_is_decoded() {
    let map = joined(&MemoryServer::new()).await;
    let bytes = map.untyped();
    let batch =
        (0..900).fold(bytes.batch(), |batch, number| batch.set(format!("key {number}"), number.to_string()));
    batch.commit().visible().await.unwrap();
    map.close().await;
    assert_eq!((map.len(), map.revision()), (900, map.untyped().revision()));
}

/// More entries than are put in place one by one.
#[tokio::test(start_paused = true)]
async fn a_large_content_is_decoded_at_the_join_and_after_a_resync() {
    const ENTRIES: usize = 3000;
    let server = MemoryServer::new();
    let writer = server.client().map("limits").join().await.unwrap();
    let fill = async |value: usize| {
        for chunk in (0..ENTRIES).collect::<Vec<_>>().chunks(500) {
            let batch = chunk.iter().fold(writer.batch(), |batch, key| {
                batch.set(format!("a key that does not lie in the table itself {key}"), value.to_string())
            });
            batch.commit().await.unwrap();
        }
    };
    fill(1).await;
    // The comparison after the resync takes many turns of the map's task.
    let map = server.client().map("limits").settings(MapSettings::default().compared(1));
    let map = map.typed::<i64>(Numbers::default()).join().await.unwrap();
    let mut changes = map.changes();
    assert_eq!((map.len(), values(&map)[0].1), (ENTRIES, 1));
    server.lose_messages(usize::MAX);
    fill(2).await;
    server.lose_messages(0);
    let syncing = tokio::spawn({
        let map = map.clone();
        async move { map.sync().await }
    });
    // Also while the old and the new content are compared, no view has the revision of one and a value of the other.
    for _ in 0..500 {
        let (view, bytes) = (map.view(), map.untyped().view());
        if view.revision() == bytes.revision() {
            for (key, value) in bytes.iter().step_by(60) {
                let shown = view.get(key.as_str().unwrap()).unwrap().to_string();
                assert_eq!(*value, shown.as_str(), "{key} at {:?}", view.revision());
            }
        }
        tokio::task::yield_now().await;
    }
    syncing.await.unwrap().unwrap();
    assert!(values(&map).iter().all(|(_, value)| *value == 2) && map.len() == ENTRIES);
    for _ in 0..ENTRIES {
        let change = changes.next().await.unwrap();
        assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some(&1), Some(&2)));
    }
}

/// A visible write is in the typed content, and a batch is in it as a whole, whatever the threads do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waits_and_views_are_those_of_the_typed_content() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    let reader = tokio::spawn({
        let map = map.clone();
        async move {
            let mut last = None;
            while !map.is_closed() {
                let view = map.view();
                assert_eq!(view.get("x"), view.get("y"), "a batch was shown in parts");
                assert!(view.revision() >= last);
                last = view.revision();
                let (view, mut changes) = map.view_and_changes();
                if let Some(change) = changes.next().await {
                    assert_eq!(change.old.as_ref(), view.get(&change.key), "the stream begins with the view");
                }
            }
        }
    });
    let other: Map = server.client().map("limits").join().await.unwrap();
    for number in 100..600 {
        other.batch().set("x", number.to_string()).set("y", number.to_string()).commit().await.unwrap();
        map.set("a", &number).visible().await.unwrap();
        assert_eq!(*map.get("a").unwrap(), number);
        let written = other.set("b", number.to_string()).await.unwrap();
        map.wait_for(written.revision).await.unwrap();
        assert_eq!(*map.get("b").unwrap(), number);
        map.update("d", |_| Some(number)).visible().await.unwrap();
        assert_eq!(*map.get("d").unwrap(), number);
        other.set("c", number.to_string()).await.unwrap();
        map.sync().await.unwrap();
        assert_eq!(*map.get("c").unwrap(), number);
    }
    for number in 600..700 {
        server.with_hash(map.name(), |hash, _| hash.hset("a", number.to_string()));
        assert!(!map.verify().await.unwrap().agrees());
        assert_eq!(*map.get("a").unwrap(), number, "the repairs are decoded");
    }
    map.close().await;
    reader.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_age_of_typed_content_is_that_of_its_own_proof() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    map.sync().await.unwrap();
    let bound = std::time::Duration::from_secs(1);
    assert!(map.fresh(bound).is_ok());
    server.go_down();
    tokio::time::sleep(2 * bound).await;
    assert!(matches!(map.fresh(bound), Err(Error::Stale { .. })));
    assert!(map.status().staleness().unwrap() >= 2 * bound);
}
