//! Watches of typed keys, waits for a typed view, and updates of typed values.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/numbers.rs"]
mod numbers;
mod support;

use std::time::Duration;

use rmap_client::{Client, Error, MemoryServer, TypedMap, Update};

use numbers::Numbers;
use support::eventually;

async fn joined(server: &MemoryServer, numbers: &Numbers) -> TypedMap<String, i64> {
    let map = server.client().map("limits").typed::<i64>(numbers.clone());
    map.accept(|_, limit| *limit < 1000).join().await.expect("the server is up")
}

#[tokio::test(start_paused = true)]
async fn a_watch_shows_good_values_alone_and_ends_with_the_map() {
    let ended = tokio::time::timeout(Duration::from_secs(60), watched());
    assert!(ended.await.is_ok(), "a watch was not notified");
}

async fn watched() {
    let numbers = Numbers::default();
    let map = joined(&MemoryServer::new(), &numbers).await;
    let mut watch = map.watch("a");
    assert_eq!(watch.next().await, Some(None));
    map.set("a", &1).await.unwrap();
    assert_eq!(watch.changed().await.unwrap().as_deref(), Some(&1));
    let before = numbers.decoded();
    for other in [("a", "bad"), ("a", "1000"), ("b", "2"), ("a", "1")] {
        let written = map.untyped().set(other.0, other.1).await.unwrap();
        map.wait_for(written.revision).await.unwrap();
    }
    let waiting = tokio::spawn(async move {
        let next = watch.next().await;
        (next, watch)
    });
    eventually("all are decoded", || numbers.decoded() == before + 4).await;
    assert!(!waiting.is_finished(), "neither a bad value nor the same one again is a change");
    map.set("a", &3).await.unwrap();
    let (next, mut watch) = waiting.await.unwrap();
    assert_eq!(next.unwrap().as_deref(), Some(&3));
    map.delete("a").await.unwrap();
    assert_eq!(watch.changed().await.unwrap(), None);
    map.set("a", &4).visible().await.unwrap();
    map.close().await;
    assert_eq!(watch.next().await.unwrap().as_deref(), Some(&4));
    assert_eq!(watch.next().await, None);
    assert!(matches!(watch.changed().await, Err(Error::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_begins_with_good_values_and_goes_on_with_good_ones() {
    let map = joined(&MemoryServer::new(), &Numbers::default()).await;
    let bytes = map.untyped();
    let batch = bytes.batch().set("web/2", "2").set("web/1", "1").set("web/bad", "x").set("db/1", "3");
    batch.commit().await.unwrap();
    map.set("web/3", &3).visible().await.unwrap();
    let written = bytes.set("web/1", "now bad").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    let mut web = map.watch_prefix("web/");
    let revision = map.revision();
    assert_eq!((web.prefix(), web.left_of_beginning()), (&b"web/"[..], 3));
    for (key, value) in [("web/1", 1), ("web/2", 2), ("web/3", 3)] {
        let change = web.next().await.unwrap();
        assert_eq!((change.key.as_str(), change.old, change.new.as_deref()), (key, None, Some(&value)));
        assert_eq!(change.revision, revision);
    }
    assert_eq!(web.left_of_beginning(), 0);
    for (key, value) in [("web/2", "worse"), ("db/1", "4"), ("web/bad", "1000"), ("web/1", "5")] {
        bytes.set(key, value).await.unwrap();
    }
    let change = web.next().await.unwrap();
    assert_eq!(
        (change.key.as_str(), change.old.as_deref(), change.new.as_deref()),
        ("web/1", Some(&1), Some(&5))
    );
    bytes.set("web/bad", "6").await.unwrap();
    let change = web.next().await.unwrap();
    assert_eq!((change.key.as_str(), change.old, change.new.as_deref()), ("web/bad", None, Some(&6)));
    map.delete("web/2").visible().await.unwrap();
    map.close().await;
    let change = web.next().await.unwrap();
    assert_eq!((change.key.as_str(), change.old.as_deref(), change.new), ("web/2", Some(&2), None));
    assert_eq!(web.next().await, None);
    // A stream of a closed map has its last content.
    assert_eq!(map.watch_prefix("web/").left_of_beginning(), 3);
}

/// More changes of other keys than one poll goes through.
#[tokio::test]
async fn a_prefix_is_found_among_many_changes_of_other_keys() {
    let map = joined(&MemoryServer::new(), &Numbers::default()).await;
    let mut web = map.watch_prefix("web/");
    let other: Vec<(String, i64)> = (100..900).map(|number| (number.to_string(), number)).collect();
    map.set_many(other.iter().map(|(key, value)| (key, value))).await.unwrap();
    map.set("web/1", &1).await.unwrap();
    let change = tokio::time::timeout(Duration::from_secs(60), web.next()).await;
    assert_eq!(change.expect("it is found").unwrap().key, "web/1");
}

/// Whatever the threads do, nothing is missing or twice where the beginning ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_prefix_has_no_hole_where_it_begins() {
    let server = MemoryServer::new();
    let map = joined(&server, &Numbers::default()).await;
    map.set("x", &0).visible().await.unwrap();
    let reader = tokio::spawn({
        let map = map.clone();
        async move {
            while !map.is_closed() {
                let mut changes = map.watch_prefix("x");
                let mut last = changes.next().await.unwrap().new;
                for _ in 0..3 {
                    let Some(change) = changes.next().await else { break };
                    assert_eq!(change.old, last);
                    last = change.new;
                }
            }
        }
    });
    let other = server.client().map("limits").join().await.unwrap();
    for number in 14..900 {
        other.set("x", number.to_string()).await.unwrap();
        if number % 8 == 0 {
            map.sync().await.unwrap();
        }
    }
    map.close().await;
    reader.await.unwrap();
}

#[tokio::test]
async fn a_wait_ends_with_the_view_that_it_waits_for() {
    let map = joined(&MemoryServer::new(), &Numbers::default()).await;
    let waiting = tokio::spawn({
        let map = map.clone();
        async move { map.wait_until(|view| view.get("a").is_some_and(|value| **value == 3)).await }
    });
    for number in 0..4 {
        map.set("a", &number).visible().await.unwrap();
    }
    assert_eq!(**waiting.await.unwrap().unwrap().get("a").unwrap(), 3);
    let never = tokio::spawn({
        let map = map.clone();
        async move { map.wait_until(|view| view.contains("b")).await }
    });
    map.close().await;
    assert!(matches!(never.await.unwrap(), Err(Error::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn updates_of_many_lose_nothing() {
    let server = MemoryServer::new();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let map = joined(&server, &Numbers::default()).await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                // Many at once may give one up; nothing was written then.
                while let Err(error) = map.update("n", |old| Some(old.map_or(100, |old| old + 1))).await {
                    assert!(matches!(error, Error::Contended { .. }), "{error}");
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let map = joined(&server, &Numbers::default()).await;
    assert_eq!(map.get("n").as_deref(), Some(&179));
}

#[tokio::test]
async fn an_update_of_a_rejected_value_begins_with_the_last_good_one() {
    let map = Client::in_memory().map("limits").typed::<i64>(Numbers::default()).await.unwrap();
    map.set("a", &7).visible().await.unwrap();
    let written = map.untyped().set("a", "bad").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    let updated = map.update("a", |old| old.map(|old| old + 1)).await.unwrap();
    map.wait_for(updated.revision).await.unwrap();
    assert_eq!((map.get("a").as_deref(), map.rejected().len()), (Some(&8), 0));

    let kept = map.update("a", |_| None).await.unwrap();
    assert!(!kept.applied);
    let refused = map.update("a", |_| Some(13)).await.unwrap_err();
    assert!(matches!(refused, Error::NotEncoded { .. }), "{refused}");
    assert!(matches!(map.update("=", |_| Some(1)).await, Err(Error::InvalidKey { .. })));
    let deleted = map.update("a", |_| Update::Delete).await.unwrap();
    map.wait_for(deleted.revision).await.unwrap();
    assert!(deleted.applied && map.is_empty());
}
