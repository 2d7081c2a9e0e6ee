//! `watch`, `watch_prefix`, `wait_until`, and what views sort and filter.

use std::time::Duration;

use crate::must_end;
use rmap_client::{Change, Error, Map, PrefixChanges, Value, Watch};

use crate::contract::world::World;

async fn nothing_waits(watch: &mut Watch) {
    assert!(tokio::time::timeout(Duration::ZERO, watch.changed()).await.is_err());
    assert!(!watch.has_changed());
}

fn value(text: &str) -> Option<Value> {
    Some(text.into())
}

pub(crate) async fn a_watch_begins_with_what_is_there_and_shows_what_comes(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let mut watch = map.watch("a");
    assert_eq!((must_end(watch.next()).await, watch.borrow()), (Some(value("1")), value("1")));
    nothing_waits(&mut watch).await;
    must_end(map.set("b", "1").visible()).await.unwrap();
    nothing_waits(&mut watch).await;
    must_end(map.set("a", "2")).await.unwrap();
    assert_eq!(must_end(watch.changed()).await, Ok(value("2")));
    must_end(map.delete("a")).await.unwrap();
    assert_eq!(must_end(watch.next()).await, Some(None));
    must_end(map.set("a", "").visible()).await.unwrap();
    assert!(watch.has_changed());
    assert_eq!((watch.borrow(), watch.borrow_and_update()), (value(""), value("")));
    nothing_waits(&mut watch).await;
}

pub(crate) async fn a_watch_merges_what_was_not_seen(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let mut watch = map.watch("a");
    for text in ["2", "3", "4"] {
        must_end(map.set("a", text).visible()).await.unwrap();
    }
    assert_eq!(must_end(watch.changed()).await, Ok(value("4")));
    // The same value again is nothing new, and what came and went was not seen.
    must_end(map.set("a", "4").visible()).await.unwrap();
    must_end(map.set("a", "5").visible()).await.unwrap();
    must_end(map.set("a", "4").visible()).await.unwrap();
    nothing_waits(&mut watch).await;
}

pub(crate) async fn a_watch_sees_batches_and_clears(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "1")]).await;
    let (mut a, mut c) = (map.watch("a"), map.watch("c"));
    must_end(map.batch().set("a", "2").set("b", "2").set("c", "2").commit()).await.unwrap();
    assert_eq!(must_end(a.changed()).await, Ok(value("2")));
    assert_eq!((must_end(c.changed()).await, map.get("b")), (Ok(value("2")), value("2")));
    must_end(map.reset()).await.unwrap();
    assert_eq!((must_end(a.changed()).await, must_end(c.changed()).await), (Ok(None), Ok(None)));
}

pub(crate) async fn a_watch_ends_with_the_map_after_its_last_value(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let (mut seen, mut unseen) = (map.watch("a"), map.watch("a"));
    must_end(map.set("a", "2").visible()).await.unwrap();
    assert_eq!(must_end(seen.changed()).await, Ok(value("2")));
    let waiting = tokio::spawn(async move { seen.changed().await });
    must_end(map.close()).await;
    let closed = Err(Error::Closed { map: world.name().clone() });
    assert_eq!(must_end(waiting).await.unwrap(), closed);
    assert_eq!((must_end(unseen.next()).await, must_end(unseen.next()).await), (Some(value("2")), None));
    let mut late = map.watch("a");
    assert_eq!((must_end(late.next()).await, must_end(late.changed()).await), (Some(value("2")), closed));
}

pub(crate) async fn a_watch_does_not_keep_the_map_open(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let (mut watch, mut keys) = (map.watch("a"), map.watch_prefix(""));
    drop(map);
    assert_eq!((must_end(watch.next()).await, must_end(watch.next()).await), (Some(value("1")), None));
    assert_eq!(must_end(keys.next()).await.unwrap().new, value("1"));
    assert_eq!(must_end(keys.next()).await, None);
}

async fn keys_of(stream: &mut PrefixChanges, count: usize) -> Vec<(String, Option<Value>, Option<Value>)> {
    let mut keys = Vec::new();
    for _ in 0..count {
        let Change { key, old, new, .. } = must_end(stream.next()).await.unwrap();
        keys.push((key.to_string(), old, new));
    }
    keys
}

pub(crate) async fn a_prefix_begins_with_what_is_there(mut world: World) {
    let map = world.join_with(&[("web/2", "b"), ("db/1", "x"), ("web/1", "a"), ("web", "y")]).await;
    let mut web = map.watch_prefix("web/");
    assert_eq!(web.left_of_beginning(), None);
    assert_eq!(must_end(web.begin()).await, 2);
    must_end(map.set("db/1", "z")).await.unwrap();
    must_end(map.set("web/1", "c")).await.unwrap();
    must_end(map.delete("web/2")).await.unwrap();
    must_end(map.reset()).await.unwrap();
    let expected = [
        ("web/1", None, value("a")),
        ("web/2", None, value("b")),
        ("web/1", value("a"), value("c")),
        ("web/2", value("b"), None),
        ("web/1", value("c"), None),
    ];
    let expected = expected.map(|(key, old, new)| (key.to_owned(), old, new));
    assert_eq!(keys_of(&mut web, 5).await, expected);
    assert_eq!((web.left_of_beginning(), web.prefix()), (Some(0), &b"web/"[..]));
    must_end(map.close()).await;
    assert_eq!(must_end(web.next()).await, None);
}

pub(crate) async fn a_prefix_of_a_closed_map_shows_its_last_content(mut world: World) {
    let map = world.join_with(&[("a/1", "1"), ("b/1", "2")]).await;
    must_end(map.close()).await;
    let mut a = map.watch_prefix("a/");
    let only = must_end(a.next()).await.unwrap();
    assert_eq!((only.revision, only.new), (map.revision(), value("1")));
    assert_eq!(must_end(a.next()).await, None);
    assert_eq!(must_end(map.watch_prefix("c").next()).await, None);
}

pub(crate) async fn a_wait_ends_when_the_view_is_as_wanted(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let view = must_end(map.wait_until(|view| view.contains("a"))).await.unwrap();
    assert_eq!(view.get("a").unwrap(), "1");
    let waiting = |wanted: usize| {
        let map = map.clone();
        tokio::spawn(async move { map.wait_until(|view| view.len() >= wanted).await })
    };
    let (three, many) = (waiting(3), waiting(100));
    must_end(map.batch().set("b", "1").set("c", "1").commit()).await.unwrap();
    assert_eq!(must_end(three).await.unwrap().unwrap().len(), 3);
    must_end(map.close()).await;
    let closed = Error::Closed { map: world.name().clone() };
    assert_eq!(must_end(many).await.unwrap().unwrap_err(), closed);
    assert!(must_end(map.wait_until(|view| view.len() == 3)).await.is_ok());
    assert_eq!(must_end(map.wait_until(|_| false)).await.unwrap_err(), closed);
}

pub(crate) async fn views_are_sorted_and_filtered(mut world: World) {
    let map: Map = world.join_with(&[("b", "2"), ("aa", "1"), ("ab", "3"), ("a", "4")]).await;
    let view = map.view();
    let keys: Vec<_> = view.sorted().into_iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, ["a", "aa", "ab", "b"]);
    let mut under: Vec<_> = view.prefix("a").map(|(key, value)| (key.to_string(), value.clone())).collect();
    under.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("a", "4"), ("aa", "1"), ("ab", "3")].map(|(key, value)| (key.to_owned(), value.into()));
    assert_eq!(under, expected);
    assert_eq!((view.prefix("").count(), view.prefix("abc").count()), (4, 0));
}
