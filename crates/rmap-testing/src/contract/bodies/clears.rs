//! `reset`, `destroy`, `test_and_reset`.

use crate::must_end;
use rmap_client::{Error, EventKind, Outcome};

use super::wire;
use crate::contract::world::World;

pub(crate) async fn a_reset_is_published_byte_by_byte(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("l", "w")]).await;
    let mut events = map.subscribe();
    world.plant("=rev", "8");
    world.plant("=unknown", "x");
    let cleared = must_end(map.reset()).await.unwrap();
    assert_eq!(cleared.revision.get(), 9);
    world.holds::<&str>(9, "reset", &[]);
    assert_eq!(world.published().await, [b"\x72\x65\x73\x65\x74\x3a\x39"]);
    // A wait for the revision would not do: a reset that does not follow the local revision ends the history of waits.
    assert_eq!(must_end(events.next()).await, Some(EventKind::Reset));
    assert_eq!((map.len(), map.revision()), (0, Some(cleared.revision)));
}

pub(crate) async fn a_reset_of_nothing_is_a_reset(mut world: World) {
    let map = world.join().await;
    let before = world.clock();
    let revision = must_end(map.reset()).await.unwrap().revision.get();
    assert!((before..=world.clock()).contains(&revision), "{revision}");
    assert_eq!(must_end(map.reset()).await.unwrap().revision.get(), revision + 1);
    world.holds::<&str>(revision + 1, "reset", &[]);
    assert_eq!(world.published().await, [wire::reset(revision), wire::reset(revision + 1)]);
}

pub(crate) async fn a_destroy_clears_and_keeps_the_revision(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("l", "w")]).await;
    let mut events = map.subscribe();
    let cleared = must_end(map.destroy()).await.unwrap();
    assert_eq!(cleared.revision.get(), 7);
    world.holds::<&str>(7, "destroy", &[]);
    assert_eq!(world.published().await, [b"destroy:7"]);
    must_end(map.wait_for(cleared.revision)).await.unwrap();
    assert_eq!((map.len(), must_end(events.next()).await), (0, Some(EventKind::Reset)));
    // The map still works.
    must_end(map.set("k", "v")).await.unwrap();
    world.holds(8, "set", &[("k", "v")]);
    assert_eq!(world.published().await, [wire::set("k", "v", 8)]);
}

pub(crate) async fn a_destroy_of_nothing_is_a_destroy(mut world: World) {
    let map = world.join().await;
    let revision = must_end(map.destroy()).await.unwrap().revision.get();
    world.holds::<&str>(revision, "destroy", &[]);
    assert_eq!(world.published().await, [wire::destroy(revision)]);
}

pub(crate) async fn a_test_and_reset_clears_when_all_values_are_the_same(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("l", ""), ("untested", "x")]).await;
    let attempt = must_end(map.test_and_reset([("k", "v"), ("l", ""), ("k", "v")])).await.unwrap();
    assert!(attempt.applied);
    assert_eq!((attempt.revision.unwrap().get(), attempt.previous), (7, None));
    world.holds::<&str>(7, "reset", &[]);
    assert_eq!(world.published().await, [wire::reset(7)]);
    must_end(map.wait_for(attempt.revision)).await.unwrap();
    assert!(map.is_empty());
}

pub(crate) async fn a_test_and_reset_needs_every_value(mut world: World) {
    let map = world.join_with(&[("k", "v"), ("l", "")]).await;
    let unmet: [&[(&str, &str)]; 5] = [
        &[("k", "w")],
        &[("k", "v"), ("l", "x")],
        &[("l", "x"), ("k", "v")],
        &[("k", "v"), ("missing", "")],
        &[("k", "v"), ("l", ""), ("k", "w")],
    ];
    for tests in unmet {
        let attempt = world.unchanged_by(map.test_and_reset(tests.iter().copied())).await.unwrap();
        assert_eq!((attempt.applied, attempt.revision.unwrap().get()), (false, 6), "{tests:?}");
        assert_eq!(attempt.require().unwrap_err().outcome(), Some(Outcome::NotApplied));
    }
}

pub(crate) async fn a_test_and_reset_without_a_hash_does_not_apply(mut world: World) {
    let map = world.join().await;
    let attempt = world.unchanged_by(map.test_and_reset([("k", "")])).await.unwrap();
    assert_eq!((attempt.applied, attempt.revision), (false, None));
}

pub(crate) async fn a_test_and_reset_without_tests_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let expected = Error::NoTests { map: world.name().clone() };
    world.refuses(map.test_and_reset([("", ""); 0]), expected).await;
}
