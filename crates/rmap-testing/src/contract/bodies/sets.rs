//! `set`, `set_if_not_exists`, `test_and_set`.

use crate::must_end;
use rmap_client::Outcome;

use super::wire;
use crate::contract::world::World;

pub(crate) async fn a_set_is_published_byte_by_byte(mut world: World) {
    let map = world.join_with(&[("other", "x")]).await;
    let written = must_end(map.set("color", "blue")).await.unwrap();
    assert_eq!((written.revision.get(), written.previous), (7, None));
    world.holds(7, "set", &[("color", "blue"), ("other", "x")]);
    let payload = b"\x73\x65\x74\x3a\x05\x00\x00\x00\x63\x6f\x6c\x6f\x72\x04\x00\x00\x00\x62\x6c\x75\x65\x01\x00\x00\x00\x37";
    assert_eq!(world.published().await, [payload]);
    must_end(map.wait_for(written.revision)).await.unwrap();
    assert_eq!((map.get("color").unwrap(), map.get("other").unwrap()), ("blue".into(), "x".into()));
}

pub(crate) async fn a_set_creates_the_hash_at_the_clock(mut world: World) {
    let map = world.join().await;
    let before = world.clock();
    let written = must_end(map.set("color", "")).await.unwrap();
    let revision = written.revision.get();
    assert!((before..=world.clock()).contains(&revision), "{revision}");
    assert_eq!(written.previous, None);
    world.holds(revision, "set", &[("color", "")]);
    assert_eq!(world.published().await, [wire::first_set("color", "", revision)]);
    must_end(map.wait_for(written.revision)).await.unwrap();
    assert_eq!(map.get("color").unwrap(), "");
}

pub(crate) async fn a_set_replaces_and_returns_what_was_there(mut world: World) {
    let map = world.join_with(&[("k", "one")]).await;
    let written = must_end(map.set(b"k", b"\xff\0\r\n")).await.unwrap();
    assert_eq!((written.revision.get(), written.previous.unwrap()), (7, "one".into()));
    let written = must_end(map.set("k", "three")).await.unwrap();
    assert_eq!(written.revision.get(), 8);
    assert_eq!(written.previous.unwrap(), b"\xff\0\r\n");
    world.holds(8, "set", &[("k", "three")]);
    assert_eq!(world.published().await, [wire::set("k", b"\xff\0\r\n", 7), wire::set("k", "three", 8)]);
}

pub(crate) async fn a_set_to_the_same_value_is_a_change(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let written = must_end(map.set("k", "v")).await.unwrap();
    assert_eq!((written.revision.get(), written.previous.unwrap()), (7, "v".into()));
    world.holds(7, "set", &[("k", "v")]);
    assert_eq!(world.published().await, [wire::set("k", "v", 7)]);
}

pub(crate) async fn a_set_continues_a_hash_filled_by_hand(mut world: World) {
    world.plant("by hand", "1");
    let map = world.join().await;
    assert_eq!((map.revision().unwrap().get(), map.get("by hand").unwrap()), (0, "1".into()));
    let before = world.clock();
    let revision = must_end(map.set("k", "v")).await.unwrap().revision.get();
    assert!((before..=world.clock()).contains(&revision), "{revision}");
    world.holds(revision, "set", &[("by hand", "1"), ("k", "v")]);
    // The hash existed, so this notification alone does not determine the content.
    assert_eq!(world.published().await, [wire::set("k", "v", revision)]);
}

pub(crate) async fn a_set_if_not_exists_sets_a_missing_key(mut world: World) {
    let map = world.join().await;
    let first = must_end(map.set_if_not_exists("k", "v")).await.unwrap();
    assert!(first.applied && !first.existed());
    let revision = first.revision.unwrap().get();
    let second = must_end(map.set_if_not_exists("l", "w")).await.unwrap();
    assert!(second.applied && !second.existed());
    assert_eq!(second.revision.unwrap().get(), revision + 1);
    world.holds(revision + 1, "set", &[("k", "v"), ("l", "w")]);
    let expected = [wire::first_set("k", "v", revision), wire::set("l", "w", revision + 1)];
    assert_eq!(world.published().await, expected);
}

pub(crate) async fn a_set_if_not_exists_leaves_a_key_alone(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("empty", "")]).await;
    for (key, held) in [("k", "v"), ("empty", "")] {
        let attempt = world.unchanged_by(map.set_if_not_exists(key, held)).await.unwrap();
        assert!(!attempt.applied);
        assert_eq!((attempt.revision.unwrap().get(), &attempt.previous), (6, &Some(held.into())));
        assert_eq!(attempt.require().unwrap_err().outcome(), Some(Outcome::NotApplied));
    }
}

pub(crate) async fn a_test_and_set_applies_when_the_value_is_the_same(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("empty", "")]).await;
    let attempt = must_end(map.test_and_set("k", "v", "w")).await.unwrap();
    assert!(attempt.applied);
    assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (7, "v".into()));
    let attempt = must_end(map.test_and_set("empty", "", "")).await.unwrap();
    assert!(attempt.applied);
    assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (8, "".into()));
    world.holds(8, "set", &[("k", "w"), ("empty", "")]);
    assert_eq!(world.published().await, [wire::set("k", "w", 7), wire::set("empty", "", 8)]);
}

pub(crate) async fn a_test_and_set_leaves_another_value_alone(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    // The new value equals the present one, and the write still does not apply.
    for test in ["w", "V", "", "v "] {
        let attempt = world.unchanged_by(map.test_and_set("k", test, "v")).await.unwrap();
        assert!(!attempt.applied);
        assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (6, "v".into()));
    }
}

pub(crate) async fn a_test_and_set_leaves_a_missing_key_alone(mut world: World) {
    let map = world.join().await;
    let attempt = world.unchanged_by(map.test_and_set("k", "", "v")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision, attempt.previous), (false, None, None));
    world.plant("other", "x");
    let attempt = world.unchanged_by(map.test_and_set("k", "", "v")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision.unwrap().get(), attempt.previous), (false, 0, None));
}
