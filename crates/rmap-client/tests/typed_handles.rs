//! Typed handles have what untyped ones have: many keys at once, events, statuses, readiness, and their ends.

#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "support/numbers.rs"]
mod numbers;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use rmap_client::{Error, EventKind, MapSettings, MemoryServer, Outcome, Phase, TypedMap, Update, WhenLost};

use numbers::Numbers;
use support::eventually;

const MINUTE: Duration = Duration::from_secs(60);

async fn joined(server: &MemoryServer) -> TypedMap<String, i64> {
    let map = server.client().map("limits").typed::<i64>(Numbers::default());
    map.accept(|_, limit| *limit < 1000).join().await.unwrap()
}

fn values(map: &TypedMap<String, i64>) -> BTreeMap<String, i64> {
    map.view().iter().map(|entry| (entry.key, **entry.value)).collect()
}

/// The output of a future that must not take long.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(MINUTE, future).await;
    ended.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

#[tokio::test]
async fn many_values_are_set_at_once_or_not_at_all() {
    let map = joined(&MemoryServer::new()).await;
    let done = map.set_many([("a", &1), ("b", &2), ("a", &3)]).await.unwrap();
    map.wait_for(done.revision).await.unwrap();
    assert_eq!((done.set, done.batches), (2, 1));
    assert_eq!(values(&map), BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 2)]));
    let refused = [
        map.set_many([("a", &4), ("c", &13), ("d", &5)]).await.map(drop),
        map.load_difference([("a", &4), ("c", &13)]).await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::NotEncoded { key, .. } if *key == "c"), "{error}");
        assert_eq!(error.outcome(), Some(Outcome::Rejected));
    }
    map.sync().await.unwrap();
    assert_eq!(map.revision(), done.revision, "nothing was sent");
}

#[tokio::test]
async fn a_load_compares_bytes_and_deletes_all_other_keys() {
    let map = joined(&MemoryServer::new()).await;
    let bytes = map.untyped();
    bytes.set_many([("a", "1"), ("b", "+2"), ("bad", "x"), ("kept bad", "y")]).await.unwrap();
    bytes.set([0xff], "3").await.unwrap();
    let file: BTreeMap<String, i64> =
        [("a", 1), ("b", 2), ("bad", 4)].map(|(key, n)| (key.to_owned(), n)).into();
    let loaded = map.load_difference(&file).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (2, 2, 1), "+2 are other bytes than 2");
    map.wait_for(loaded.revision).await.unwrap();
    assert_eq!((values(&map), map.rejected().len()), (file.clone(), 0));
    let again = map.load_difference(&file).await.unwrap();
    assert_eq!((again.set, again.deleted, again.unchanged, again.revision), (0, 0, 3, loaded.revision));
}

#[tokio::test]
async fn an_error_of_several_batches_says_how_many_were_done() {
    let server = MemoryServer::new();
    let map = server.client().map("limits").settings(MapSettings::default().batch_steps(2));
    let map = map.typed_with_keys::<u8, i64>(Numbers::default()).join().await.unwrap();
    let entries: Vec<(u8, i64)> = (0..5).map(|key| (key, 1)).collect();
    let done = map.set_many(entries.iter().map(|(key, value)| (key, value))).await.unwrap();
    map.wait_for(done.revision).await.unwrap();
    assert_eq!((done.set, done.batches, map.len()), (5, 3, 5));
}

#[tokio::test(start_paused = true)]
async fn after_an_event_the_typed_content_shows_the_change() {
    let map = joined(&MemoryServer::new()).await;
    let mut events = map.subscribe();
    map.set("a", &1).await.unwrap();
    assert_eq!(soon("an event", events.next()).await, Some(EventKind::Changed));
    assert_eq!(map.get("a").as_deref(), Some(&1));
    map.untyped().set("a", "bad").await.unwrap();
    map.sync().await.unwrap();
    map.batch().set("b", &2).delete("a").commit().await.unwrap();
    assert_eq!(soon("an event", events.next()).await, Some(EventKind::Deleted), "the strongest");
    assert_eq!(values(&map).len(), 1);
    map.reset().await.unwrap();
    assert_eq!(soon("an event", events.next()).await, Some(EventKind::Reset));
    assert!(map.is_empty());
    let silence = tokio::time::timeout(MINUTE, events.next()).await;
    assert!(silence.is_err(), "the bad value led to none");
    // More changes than are made in place.
    let many: Vec<(String, i64)> = (0..900).map(|key| (key.to_string(), 1)).collect();
    map.set_many(many.iter().map(|(key, value)| (key, value))).await.unwrap();
    assert_eq!(soon("an event", events.next()).await, Some(EventKind::Changed));
    map.sync().await.unwrap();
    map.set("last", &1).await.unwrap();
    map.close().await;
    assert_eq!(soon("the last event", events.next()).await, Some(EventKind::Changed));
    assert_eq!(soon("the end", events.next()).await, None);
}

#[tokio::test(start_paused = true)]
async fn statuses_tell_of_rejected_values_and_of_phases_that_move_no_mark() {
    let server = MemoryServer::new();
    // No probe changes the status meanwhile.
    let settings = MapSettings::default().probe_interval(Duration::from_secs(86_400));
    let map = server.client().map("limits").settings(settings).typed::<i64>(Numbers::default());
    let map = map.join().await.unwrap();
    let (mut statuses, mut phases) = (map.status_changes(), map.phase_changes());
    assert!(soon("a phase", phases.next()).await.unwrap().is_live());
    let rejected = async |statuses: &mut rmap_client::StatusChanges, count| {
        while statuses.next().await.unwrap().rejected() != count {}
    };
    map.untyped().set("a", "bad").await.unwrap();
    soon("one rejected value", rejected(&mut statuses, 1)).await;
    map.set("a", &1).await.unwrap();
    soon("no rejected value", rejected(&mut statuses, 0)).await;
    server.go_down();
    assert_eq!(soon("a phase", phases.next()).await.unwrap().phase(), Phase::Disconnected);
    server.come_up();
    while !soon("a phase", phases.next()).await.unwrap().is_live() {}
    map.close().await;
    assert_eq!(soon("a phase", phases.next()).await.unwrap().phase(), Phase::Closed);
    assert!(soon("the end", phases.next()).await.is_none());
    let mut last = None;
    while let Some(status) = soon("a status", statuses.next()).await {
        last = Some(status);
    }
    let last = last.unwrap();
    assert_eq!((last.phase(), last.revision()), (Phase::Closed, map.revision()));
}

#[tokio::test(start_paused = true)]
async fn readiness_is_that_of_the_decoded_content() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    let bound = Duration::from_secs(15);
    map.untyped().set("a", "bad").await.unwrap();
    map.sync().await.unwrap();
    assert!(map.health(bound).is_ready(), "a rejected value leaves a map ready");
    server.go_down();
    eventually("it is not ready any more", || !map.health(bound).is_ready()).await;
    let health = map.health(bound).to_string();
    assert!(health.starts_with("map limits: not ready: last proven fresh 15."), "{health}");
    server.come_up();
    eventually("it is ready again", || map.health(bound).is_ready()).await;
    assert_eq!((map.stats().entries, map.stats().writes.committed), (1, 1));
    map.close().await;
    assert_eq!(map.health(bound).reason(), Some("the map is closed"));
}

#[tokio::test(start_paused = true)]
async fn a_verification_ends_when_its_repairs_are_decoded() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    map.set("a", &1).visible().await.unwrap();
    server.with_hash(map.name(), |hash, _| hash.hset("a", "2"));
    let verified = soon("the verification", map.verify()).await.unwrap();
    assert!(!verified.agrees());
    assert_eq!(map.get("a").as_deref(), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn a_kept_typed_map_follows_when_it_is_told_to() {
    let server = MemoryServer::new();
    let map = server.client().map("limits").when_lost(WhenLost::Keep).typed::<i64>(Numbers::default());
    let map = map.join().await.unwrap();
    map.set("a", &1).visible().await.unwrap();
    let mut changes = map.watch_prefix("");
    assert_eq!(changes.next().await.unwrap().new.as_deref(), Some(&1));
    server.flush();
    eventually("the map is kept", || map.status().phase() == Phase::Kept).await;
    assert!(matches!(map.sync().await, Err(Error::Kept { .. })));
    assert_eq!(map.get("a").as_deref(), Some(&1));
    assert!(tokio::time::timeout(MINUTE, changes.next()).await.is_err(), "streams are silent");
    map.follow().await.unwrap();
    map.sync().await.unwrap();
    assert!(map.is_empty());
    assert_eq!(soon("the deletion", changes.next()).await.unwrap().new, None);
}

#[tokio::test(start_paused = true)]
async fn a_typed_handle_is_there_at_once_and_becomes_live() {
    let server = MemoryServer::new();
    let other = joined(&server).await;
    other.set("a", &1).visible().await.unwrap();
    server.go_down();
    let client = server.client();
    let numbers = Numbers::default();
    let map = client.map("limits").typed::<i64>(numbers.clone()).join_in_background().unwrap();
    let (mut changes, mut watch) = (map.watch_prefix(""), map.watch("a"));
    assert_eq!((map.len(), map.revision(), changes.left_of_beginning()), (0, None, 0));
    assert!(matches!(map.fresh(MINUTE), Err(Error::Stale { staleness: None, .. })));
    assert!(map.health(MINUTE).to_string().contains("never proven fresh"), "{}", map.health(MINUTE));
    tokio::time::sleep(MINUTE).await;
    assert!(!map.status().is_live() && map.is_empty());
    server.come_up();
    let view = soon("the content", map.wait_until(|view| !view.is_empty())).await.unwrap();
    assert_eq!(view.get("a").map(|value| **value), Some(1));
    assert_eq!(soon("a change", changes.next()).await.unwrap().new.as_deref(), Some(&1));
    assert_eq!(soon("a value", watch.changed()).await.unwrap().as_deref(), Some(&1));
    map.sync().await.unwrap();
    map.set("a", &2).visible().await.unwrap();
    assert_eq!((map.get("a").as_deref(), numbers.decoded()), (Some(&2), 2));
    // The task keeps nothing open that nobody holds.
    drop(map);
    soon("the end", async { while changes.next().await.is_some() {} }).await;
    eventually("the map has left", || client.stats().maps == 0).await;
    let refused = client.map("").typed::<i64>(Numbers::default()).join_in_background();
    assert!(matches!(refused, Err(Error::InvalidName { .. })));
}

#[tokio::test]
async fn an_update_is_lazy_and_becomes_visible() {
    let map = joined(&MemoryServer::new()).await;
    let never = map.update("a", |_| Some(1));
    drop(never);
    map.sync().await.unwrap();
    assert_eq!(map.revision(), None);
    for number in 100..200 {
        let updated = map.update("a", |old| Some(old.map_or(100, |old| old + 1))).visible().await.unwrap();
        assert_eq!((map.get("a").as_deref(), updated.applied), (Some(&number), true));
    }
    let borrows_nothing = tokio::spawn(map.update("a", |_| Update::Delete).visible());
    assert!(borrows_nothing.await.unwrap().unwrap().applied && map.is_empty());
}

/// A value of another program that makes the codec panic is a rejected one for an update, too.
#[tokio::test]
async fn an_update_of_a_value_at_which_the_codec_panics_begins_with_the_last_good_one() {
    let map = joined(&MemoryServer::new()).await;
    map.set("a", &7).visible().await.unwrap();
    let written = map.untyped().set("a", "panic").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    map.update("a", |old| old.map(|old| old + 1)).visible().await.unwrap();
    assert_eq!((map.get("a").as_deref(), map.rejected().len()), (Some(&8), 0));
}

/// However the map ends, nothing that waits for its decoded content waits for ever.
#[tokio::test(start_paused = true)]
async fn everything_that_waits_ends_with_the_map() {
    let map = joined(&MemoryServer::new()).await;
    map.set("a", &1).visible().await.unwrap();
    let (mut watch, mut changes, mut prefix) = (map.watch("a"), map.changes(), map.watch_prefix("b"));
    let (mut rejections, mut events) = (map.rejections(), map.subscribe());
    let (mut statuses, mut phases) = (map.status_changes(), map.phase_changes());
    let (waiting, late) = (map.clone(), map.clone());
    let mut waits = tokio::task::JoinSet::new();
    waits.spawn(async move { watch.changed().await.map(drop) });
    waits.spawn(async move { waiting.wait_until(|view| view.contains("b")).await.map(drop) });
    let (waiting, next) = (map.clone(), map.revision().unwrap().next());
    waits.spawn(async move { waiting.wait_for(next).await });
    let ends = tokio::spawn(async move {
        while changes.next().await.is_some() {}
        while prefix.next().await.is_some() {}
        while rejections.next().await.is_some() {}
        while events.next().await.is_some() {}
        while statuses.next().await.is_some() {}
        while phases.next().await.is_some() {}
    });
    tokio::task::yield_now().await;
    soon("the close", map.close()).await;
    while let Some(ended) = soon("the waits", waits.join_next()).await {
        let error = ended.unwrap().unwrap_err();
        assert!(matches!(error, Error::Closed { .. } | Error::HistoryBroken { .. }), "{error}");
    }
    soon("the streams", ends).await.unwrap();
    // Those that come later find the end at once.
    soon("a second close", late.close()).await;
    assert!(soon("a wait", late.wait_until(|view| view.contains("b"))).await.is_err());
    assert_eq!(soon("a stream", late.changes().next()).await, None);
    assert!(soon("a sync", late.sync()).await.is_err());
}
