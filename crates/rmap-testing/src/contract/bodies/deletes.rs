//! `delete`, `test_and_delete`.

use crate::must_end;
use rmap_client::Outcome;

use super::wire;
use crate::contract::world::World;

pub(crate) async fn a_delete_is_published_byte_by_byte(mut world: World) {
    let map = world.join_with(&[("color", "blue"), ("other", "x")]).await;
    world.plant("=rev", "7");
    let attempt = must_end(map.delete("color")).await.unwrap();
    assert!(attempt.applied && attempt.existed());
    assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (8, "blue".into()));
    world.holds(8, "del", &[("other", "x")]);
    let payload = b"\x64\x65\x6c\x3a\x05\x00\x00\x00\x63\x6f\x6c\x6f\x72\x01\x00\x00\x00\x38";
    assert_eq!(world.published().await, [payload]);
    must_end(map.wait_for(attempt.revision)).await.unwrap();
    assert_eq!((map.get("color"), map.get("other").unwrap()), (None, "x".into()));
}

pub(crate) async fn a_delete_of_a_missing_key_changes_nothing(mut world: World) {
    let map = world.join().await;
    let attempt = world.unchanged_by(map.delete("k")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision, &attempt.previous), (false, None, &None));
    assert!(!attempt.existed() && attempt.require().unwrap_err().outcome() == Some(Outcome::NotApplied));
    world.plant("=rev", "6");
    let attempt = world.unchanged_by(map.delete("k")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision.unwrap().get(), attempt.previous), (false, 6, None));
}

pub(crate) async fn a_delete_of_an_empty_value_is_a_delete(mut world: World) {
    let map = world.join_with(&[("k", "")]).await;
    let attempt = must_end(map.delete("k")).await.unwrap();
    assert!(attempt.applied && attempt.existed());
    assert_eq!(attempt.previous.unwrap(), "");
    world.holds::<&str>(7, "del", &[]);
    assert_eq!(world.published().await, [wire::delete("k", 7)]);
}

pub(crate) async fn a_delete_of_the_only_field_leaves_the_revision(mut world: World) {
    world.plant("by hand", "1");
    let map = world.join().await;
    let before = world.clock();
    let revision = must_end(map.delete("by hand")).await.unwrap().revision.unwrap().get();
    assert!((before..=world.clock()).contains(&revision), "{revision}");
    world.holds::<&str>(revision, "del", &[]);
    assert_eq!(world.published().await, [wire::delete("by hand", revision)]);
}

pub(crate) async fn a_test_and_delete_applies_when_the_value_is_the_same(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("empty", "")]).await;
    let attempt = must_end(map.test_and_delete("k", "v")).await.unwrap();
    assert!(attempt.applied);
    assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (7, "v".into()));
    let attempt = must_end(map.test_and_delete("empty", "")).await.unwrap();
    assert!(attempt.applied && attempt.existed());
    world.holds::<&str>(8, "del", &[]);
    assert_eq!(world.published().await, [wire::delete("k", 7), wire::delete("empty", 8)]);
}

pub(crate) async fn a_test_and_delete_leaves_another_value_alone(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    for test in ["", "V", "vv", "v\0"] {
        let attempt = world.unchanged_by(map.test_and_delete("k", test)).await.unwrap();
        assert!(!attempt.applied);
        assert_eq!((attempt.revision.unwrap().get(), attempt.previous.unwrap()), (6, "v".into()));
    }
}

pub(crate) async fn a_test_and_delete_leaves_a_missing_key_alone(mut world: World) {
    let map = world.join().await;
    let attempt = world.unchanged_by(map.test_and_delete("k", "")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision, attempt.previous), (false, None, None));
    world.plant("other", "x");
    let attempt = world.unchanged_by(map.test_and_delete("k", "")).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision.unwrap().get(), attempt.previous), (false, 0, None));
}
