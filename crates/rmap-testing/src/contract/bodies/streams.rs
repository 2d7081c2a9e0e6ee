//! `subscribe` and `close`.

use std::time::Duration;

use crate::must_end;
use rmap_client::{Error, EventKind, Events, Key};

use crate::contract::world::World;

async fn nothing_waits(events: &mut Events) {
    assert!(tokio::time::timeout(Duration::ZERO, events.next()).await.is_err());
}

pub(crate) async fn each_kind_of_change_is_emitted(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let mut events = map.subscribe();
    nothing_waits(&mut events).await;
    must_end(map.set_and_wait("a", "2")).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Changed));
    let deleted = must_end(map.delete("a")).await.unwrap();
    must_end(map.wait_for(deleted.revision)).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Deleted));
    for cleared in [must_end(map.reset()).await.unwrap(), must_end(map.destroy()).await.unwrap()] {
        must_end(map.wait_for(cleared.revision)).await.unwrap();
    }
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    nothing_waits(&mut events).await;
}

pub(crate) async fn the_strongest_kind_wins_while_unread(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "2")]).await;
    let mut events = map.subscribe();
    must_end(map.set_and_wait("a", "2")).await.unwrap();
    must_end(map.delete("b")).await.unwrap();
    must_end(map.set_and_wait("a", "3")).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Deleted));
    nothing_waits(&mut events).await;
    must_end(map.set("a", "4")).await.unwrap();
    must_end(map.reset()).await.unwrap();
    must_end(map.set("a", "5")).await.unwrap();
    let deleted = must_end(map.delete("a")).await.unwrap();
    must_end(map.wait_for(deleted.revision)).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    nothing_waits(&mut events).await;
}

pub(crate) async fn what_does_not_apply_is_not_emitted(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    let mut events = map.subscribe();
    for (_, writing) in super::every::not_applied(&map) {
        world.unchanged_by(writing).await.unwrap();
    }
    must_end(map.sync()).await.unwrap();
    nothing_waits(&mut events).await;
}

pub(crate) async fn subscriptions_are_independent(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let (mut first, second) = (map.subscribe(), map.subscribe());
    drop(second);
    must_end(map.set_and_wait("a", "2")).await.unwrap();
    // A new stream emits nothing from before it.
    let mut third = map.subscribe();
    assert_eq!(must_end(first.next()).await, Some(EventKind::Changed));
    nothing_waits(&mut third).await;
    let deleted = must_end(map.delete("a")).await.unwrap();
    must_end(map.wait_for(deleted.revision)).await.unwrap();
    assert_eq!(must_end(third.next()).await, Some(EventKind::Deleted));
}

pub(crate) async fn changes_show_old_and_new(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let mut changes = map.changes();
    must_end(map.set("a", "2")).await.unwrap();
    must_end(map.set("b", "")).await.unwrap();
    must_end(map.delete("a")).await.unwrap();
    must_end(map.reset()).await.unwrap();
    let expected = [
        ("a", Some("1"), Some("2"), 7),
        ("b", None, Some(""), 8),
        ("a", Some("2"), None, 9),
        ("b", Some(""), None, 10),
    ];
    for (key, old, new, revision) in expected {
        let change = must_end(changes.next()).await.unwrap();
        assert_eq!((change.key, change.revision.unwrap().get()), (Key::new(key).unwrap(), revision));
        assert_eq!((change.old, change.new), (old.map(Into::into), new.map(Into::into)));
    }
}

pub(crate) async fn streams_end_with_the_map_after_what_is_unread(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let (mut events, mut changes) = (map.subscribe(), map.changes());
    must_end(map.set_and_wait("a", "2")).await.unwrap();
    must_end(map.close()).await;
    assert_eq!(must_end(events.next()).await, Some(EventKind::Changed));
    assert_eq!(must_end(events.next()).await, None);
    assert_eq!(must_end(changes.next()).await.unwrap().new.unwrap(), "2");
    assert_eq!(must_end(changes.next()).await, None);
    assert_eq!((must_end(map.subscribe().next()).await, must_end(map.changes().next()).await), (None, None));
}

pub(crate) async fn a_close_is_for_all_handles_and_for_good(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let clone = map.clone();
    must_end(world.unchanged_by(map.close())).await;
    must_end(clone.close()).await;
    assert!(map.is_closed() && clone.is_closed());
    let expected = Error::Closed { map: world.name().clone() };
    world.refuses(clone.set("a", "2"), expected.clone()).await;
    assert_eq!(must_end(map.sync()).await, Err(expected));
    assert_eq!(clone.get("a").unwrap(), "1");
    // The client goes on.
    let again = world.join().await;
    must_end(again.set_and_wait("a", "2")).await.unwrap();
    assert_eq!((again.get("a").unwrap(), map.get("a").unwrap()), ("2".into(), "1".into()));
}

pub(crate) async fn the_last_handle_dropped_closes_the_map(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let (clone, mut events) = (map.clone(), map.subscribe());
    drop(map);
    must_end(clone.set_and_wait("a", "2")).await.unwrap();
    assert_eq!(must_end(events.next()).await, Some(EventKind::Changed));
    drop(clone);
    assert_eq!(must_end(events.next()).await, None);
}
