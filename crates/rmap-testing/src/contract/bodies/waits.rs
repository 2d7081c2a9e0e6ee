//! `set_and_wait` and `wait_for`.

use std::time::Duration;

use crate::must_end;
use rmap_client::{Error, Map};

use super::wire;
use crate::contract::world::World;

pub(crate) async fn a_set_and_wait_is_visible(mut world: World) {
    let map = world.join().await;
    let mut setting = map.set_and_wait("k", "v");
    assert!(setting.committed().is_none());
    let written = must_end(&mut setting).await.unwrap();
    assert_eq!((setting.committed(), map.get("k").unwrap()), (Some(&written), "v".into()));
    let revision = written.revision.get();
    assert_eq!((written.previous, map.revision()), (None, Some(written.revision)));
    world.holds(revision, "set", &[("k", "v")]);
    assert_eq!(world.published().await, [wire::first_set("k", "v", revision)]);

    let written = must_end(map.set_and_wait("k", "w")).await.unwrap();
    assert_eq!((written.revision.get(), written.previous.unwrap()), (revision + 1, "v".into()));
    assert_eq!(map.get("k").unwrap(), "w");
    assert_eq!(world.published().await, [wire::set("k", "w", revision + 1)]);
}

pub(crate) async fn every_write_can_be_waited_for(world: World) {
    let map = world.join().await;
    must_end(map.set("k", "v").visible()).await.unwrap();
    assert_eq!(map.get("k").unwrap(), "v");
    must_end(map.set_if_not_exists("new", "1").visible()).await.unwrap();
    assert_eq!(map.get("new").unwrap(), "1");
    must_end(map.test_and_set("k", "v", "w").visible()).await.unwrap();
    assert_eq!(map.get("k").unwrap(), "w");
    assert_eq!(must_end(map.inc("new", 2).visible()).await.unwrap().value, 3);
    assert_eq!(map.get("new").unwrap(), "3");
    must_end(map.delete("new").visible()).await.unwrap();
    must_end(map.test_and_delete("k", "w").visible()).await.unwrap();
    assert!(map.is_empty());
    must_end(map.append_values("l", ["a", "b"]).visible()).await.unwrap();
    must_end(map.append_unique_values("l", ["b", "c"]).visible()).await.unwrap();
    assert_eq!(map.get_values("l").unwrap().unwrap(), ["a", "b", "c"]);
    must_end(map.remove_values("l", ["a", "b", "c"]).visible()).await.unwrap();
    assert!(map.is_empty());
    let batch = map.batch().set("k", "v").inc("n", 1).append_values("l", ["a"]);
    let done = must_end(batch.commit().visible()).await.unwrap();
    assert_eq!((map.len(), map.revision()), (3, done.revision));
    must_end(map.test_and_reset([("k", "v")]).visible()).await.unwrap();
    assert!(map.is_empty());
    for clear in [map.reset(), map.destroy()] {
        must_end(map.set_and_wait("k", "v")).await.unwrap();
        let cleared = must_end(clear.visible()).await.unwrap();
        assert_eq!((map.len(), map.revision()), (0, Some(cleared.revision)));
    }
    // What changed nothing has nothing to show.
    assert!(!must_end(map.delete("missing").visible()).await.unwrap().applied);
    assert!(!must_end(map.batch().test("k", "v").delete("k").commit().visible()).await.unwrap().applied);
}

pub(crate) async fn many_are_visible_each_with_its_own_value(mut world: World) {
    let map = world.join().await;
    let set = async |map: &Map, key: &str| {
        for round in 0..20 {
            let value = format!("{key} {round}");
            must_end(map.set_and_wait(key, &value)).await.unwrap();
            assert_eq!(map.get(key).unwrap(), &value[..]);
        }
    };
    tokio::join!(set(&map, "a"), set(&map, "b"), set(&map, "c"));
    assert_eq!(world.published().await.len(), 60);
}

pub(crate) async fn a_set_and_wait_that_is_not_polled_writes_nothing(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    world.unchanged_by(async { drop(map.set_and_wait("k", "w")) }).await;
}

pub(crate) async fn a_wait_ends_in_every_process(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let other = must_end(world.another_client().await.map("flags").join()).await.unwrap();
    let written = must_end(map.set("k", "w")).await.unwrap();
    must_end(other.wait_for(written.revision)).await.unwrap();
    assert_eq!(other.get("k").unwrap(), "w");
    // A reached wait stays reached.
    must_end(other.set_and_wait("k", "x")).await.unwrap();
    must_end(other.wait_for(written.revision)).await.unwrap();
}

pub(crate) async fn the_revision_of_no_hash_is_there_at_once(world: World) {
    let map = world.join().await;
    must_end(map.wait_for(None)).await.unwrap();
    must_end(map.wait_for(map.revision())).await.unwrap();
    must_end(map.close()).await;
    must_end(map.wait_for(None)).await.unwrap();
}

pub(crate) async fn a_wait_for_a_revision_to_come_is_not_ended_by_an_earlier_one(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let second = map.revision().unwrap().next().unwrap().next().unwrap();
    must_end(map.set_and_wait("k", "w")).await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, map.wait_for(second)).await.is_err());
    let (waited, written) = must_end(async { tokio::join!(map.wait_for(second), map.set("k", "x")) }).await;
    assert_eq!((waited, written.unwrap().revision), (Ok(()), second));
    assert_eq!(map.get("k").unwrap(), "x");
}

pub(crate) async fn a_wait_for_what_was_deleted_says_so(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let revision = map.revision().unwrap().next().unwrap();
    world.delete_hash();
    let (waited, synced) = must_end(async { tokio::join!(map.wait_for(revision), map.sync()) }).await;
    assert_eq!(waited, Err(Error::HistoryBroken { map: world.name().clone(), revision }));
    assert_eq!((synced, map.len(), map.revision()), (Ok(()), 0, None));
}

pub(crate) async fn a_wait_ends_when_the_map_closes(mut world: World) {
    let map = world.join_with(&[("k", "v")]).await;
    let next = map.revision().unwrap().next().unwrap();
    let (waited, ()) = must_end(async { tokio::join!(map.wait_for(next), map.close()) }).await;
    assert_eq!(waited, Err(Error::Closed { map: world.name().clone() }));
}
