//! `get`, `with`, `contains`, `keys`, `len`, `view`, `get_values`: local, and never refused.

use crate::{eventually_async, must_end};
use rmap_client::{Key, Outcome};

use crate::contract::world::World;

pub(crate) async fn reads_find_what_the_map_holds(mut world: World) {
    let map = world.join_with(&[("a", &b"1"[..]), ("empty", b""), ("bytes", b"\xff\0")]).await;
    assert_eq!((map.get("a").unwrap(), map.get("empty").unwrap()), ("1".into(), "".into()));
    assert_eq!(map.get("bytes").unwrap(), b"\xff\0");
    assert_eq!(map.with("a", <[u8]>::to_vec).unwrap(), b"1");
    assert!(map.contains("empty") && !map.is_empty());
    assert_eq!((map.len(), map.revision().unwrap().get()), (3, 6));
    let mut keys = map.keys();
    keys.sort();
    assert_eq!(keys, ["a", "bytes", "empty"]);
    let view = map.view();
    assert_eq!((view.len(), view.revision(), view.get("a").unwrap()), (3, map.revision(), &"1".into()));
    let mut entries: Vec<_> = view.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
    entries.sort();
    assert_eq!(entries, [(&b"a"[..], &b"1"[..]), (b"bytes", b"\xff\0"), (b"empty", b"")]);
}

pub(crate) async fn reads_miss_what_the_map_does_not_hold(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    for key in ["", "b", "A", "a ", "a\0", "=rev", "=kind", "a=b"] {
        assert_eq!(
            (map.get(key), map.with(key, <[u8]>::len), map.contains(key)),
            (None, None, false),
            "{key}"
        );
        assert_eq!((map.get_values(key).is_none(), map.view().get(key)), (true, None), "{key}");
    }
    let long = vec![b'k'; (1 << 20) + 1];
    assert_eq!((map.get(&long), map.contains(&long)), (None, false));
}

pub(crate) async fn an_empty_map_reads_as_one(world: World) {
    let map = world.join().await;
    assert_eq!((map.len(), map.keys().len(), map.revision()), (0, 0, None));
    let view = map.view();
    assert!(map.is_empty() && view.is_empty());
    assert_eq!((view.len(), view.iter().count(), view.revision()), (0, 0, None));
}

pub(crate) async fn reserved_fields_are_not_shown(mut world: World) {
    for field in ["=unknown", "a=b", "="] {
        world.plant(field, "x");
    }
    let map = world.join_with(&[("a", "1")]).await;
    assert_eq!((map.len(), map.keys()), (1, vec![Key::new("a").unwrap()]));
    assert_eq!(map.view().iter().count(), 1);
    world.remove("a");
    must_end(map.sync()).await.unwrap();
    assert_eq!((map.len(), map.revision().unwrap().get()), (0, 6));
}

pub(crate) async fn values_are_read_as_lists(mut world: World) {
    let content =
        [("json", r#"["a","b,c"]"#), ("text", "a,,b"), ("empty", ""), ("number", "[1]"), ("object", "{}")];
    let map = world.join_with(&content).await;
    assert_eq!(map.get_values("json").unwrap().unwrap(), ["a", "b,c"]);
    assert_eq!(map.get_values("text").unwrap().unwrap(), ["a", "b"]);
    assert!(map.get_values("empty").unwrap().unwrap().is_empty());
    assert!(map.get_values("number").unwrap().is_err() && map.get_values("object").unwrap().is_err());
}

pub(crate) async fn a_view_never_changes(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "2")]).await;
    let before = map.view();
    must_end(map.set_and_wait("a", "changed")).await.unwrap();
    let reset = must_end(map.reset()).await.unwrap();
    must_end(map.wait_for(reset.revision)).await.unwrap();
    assert_eq!((before.get("a").unwrap(), before.get("b").unwrap()), (&"1".into(), &"2".into()));
    assert_eq!((before.len(), before.revision().unwrap().get()), (2, 6));
    assert_eq!((map.view().len(), map.view().revision().unwrap().get()), (0, 8));
}

pub(crate) async fn reads_need_no_server(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("list", "x,y")]).await;
    world.go_away();
    eventually_async("the map knows", || !map.status().is_live()).await;
    assert_eq!((map.get("a").unwrap(), map.len(), map.revision().unwrap().get()), ("1".into(), 2, 6));
    assert_eq!((map.get_values("list").unwrap().unwrap().len(), map.view().len()), (2, 2));
    let error = must_end(map.set("a", "2")).await.unwrap_err();
    assert!(matches!(error.outcome(), Some(Outcome::Rejected | Outcome::Indeterminate)), "{error}");
}

pub(crate) async fn reads_work_after_close(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("list", "x,y")]).await;
    must_end(map.close()).await;
    // Another client goes on writing.
    let other = must_end(world.another_client().await.map("flags").join()).await.unwrap();
    must_end(other.set_and_wait("a", "2")).await.unwrap();
    assert_eq!((map.get("a").unwrap(), map.len(), map.revision().unwrap().get()), ("1".into(), 2, 6));
    assert_eq!((map.get_values("list").unwrap().unwrap().len(), map.view().len()), (2, 2));
    assert_eq!((map.with("a", <[u8]>::len), map.contains("b"), map.keys().len()), (Some(1), false, 2));
}
