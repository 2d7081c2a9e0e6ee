//! `join` and its options.

use std::time::Duration;

use crate::must_end;
use rmap_client::{Error, InvalidName, InvalidTtl, Map, Outcome};

use crate::contract::world::World;

/// The error of a join under this name. The join must leave the map unchanged.
async fn refused(world: &mut World, name: impl AsRef<[u8]>) -> InvalidName {
    let joining = world.client().map(name).join();
    let error = world.unchanged_by(joining).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    let Error::InvalidName { cause } = error else { panic!("{error}") };
    cause
}

pub(crate) async fn a_join_finds_what_is_there(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "2")]).await;
    assert_eq!((map.name(), map.len(), map.revision().unwrap().get()), (world.name(), 2, 6));
    assert!(map.status().is_live() && !map.is_closed());
    assert!(map.fresh(Duration::from_secs(600)).is_ok());
}

pub(crate) async fn a_join_writes_nothing(mut world: World) {
    let joining = world.map().sliding_ttl(Duration::from_secs(1)).join();
    let map = world.unchanged_by(joining).await.unwrap();
    assert_eq!((map.len(), map.revision(), world.hash().len()), (0, None, 0));
}

pub(crate) async fn two_clients_share_a_map(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let other = must_end(world.another_client().await.map("flags").join()).await.unwrap();
    let written = must_end(map.set("b", "2")).await.unwrap();
    must_end(other.wait_for(written.revision)).await.unwrap();
    let written = must_end(other.delete("a")).await.unwrap();
    must_end(map.wait_for(written.revision)).await.unwrap();
    for map in [&map, &other] {
        assert_eq!((map.get("a"), map.get("b").unwrap(), map.len()), (None, "2".into(), 1));
    }
}

pub(crate) async fn one_client_joins_a_map_twice_and_another_besides(mut world: World) {
    let (first, second) = (world.join_with(&[("a", "1")]).await, world.join().await);
    let stranger = must_end(world.client().map("other").join()).await.unwrap();
    must_end(first.close()).await;
    must_end(second.set_and_wait("a", "2")).await.unwrap();
    assert_eq!((first.get("a").unwrap(), second.get("a").unwrap()), ("1".into(), "2".into()));
    assert_eq!((stranger.get("a"), stranger.len(), stranger.revision()), (None, 0, None));
}

pub(crate) async fn a_large_map_is_joined_in_pages(mut world: World) {
    for number in 0..50 {
        world.plant(format!("key {number}"), "v");
    }
    world.plant("=rev", "6");
    let replica = rmap_client::MapSettings::default().small_map(10, 1000).page_fields(7);
    let map = must_end(world.map().settings(replica).join()).await.unwrap();
    assert_eq!((map.len(), map.revision().unwrap().get()), (50, 6));
}

pub(crate) async fn names_up_to_their_limit_are_taken(mut world: World) {
    let names =
        ["x".to_owned(), "é".repeat(512), "{tag}:a/b=c\u{7f}\n".to_owned(), "map:flags:content".to_owned()];
    for name in names {
        let map: Map = must_end(world.client().map(&name).join()).await.unwrap();
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        assert_eq!(map.name().as_bytes(), name.as_bytes());
    }
    assert!(world.published().await.is_empty());
}

pub(crate) async fn an_empty_name_is_refused(mut world: World) {
    assert_eq!(refused(&mut world, "").await, InvalidName::Empty);
}

pub(crate) async fn a_name_too_long_is_refused(mut world: World) {
    assert_eq!(refused(&mut world, "x".repeat(513)).await, InvalidName::TooLong { chars: 513 });
    assert_eq!(refused(&mut world, "é".repeat(513)).await, InvalidName::TooLong { chars: 513 });
    // Each byte outside of a character counts as one.
    assert_eq!(refused(&mut world, vec![0xff; 513]).await, InvalidName::TooLong { chars: 513 });
}

pub(crate) async fn a_name_with_a_forbidden_byte_is_refused(mut world: World) {
    for byte in *b" \0*?[]" {
        let expected = InvalidName::Forbidden { byte, offset: 2 };
        assert_eq!(refused(&mut world, [b'a', b'b', byte, byte]).await, expected);
        assert_eq!(refused(&mut world, [byte]).await, InvalidName::Forbidden { byte, offset: 0 });
    }
}

pub(crate) async fn no_time_to_live_is_refused(mut world: World) {
    let expected = Error::InvalidTtl { map: world.name().clone(), cause: InvalidTtl::Zero };
    let (absolute, sliding) = (world.map().ttl(Duration::ZERO), world.map().sliding_ttl(Duration::ZERO));
    world.refuses(absolute.join(), expected.clone()).await;
    world.refuses(sliding.join(), expected).await;
}

pub(crate) async fn a_time_to_live_too_long_is_refused(mut world: World) {
    let expected = Error::InvalidTtl { map: world.name().clone(), cause: InvalidTtl::TooLong };
    for ttl in [Duration::from_millis((1 << 53) + 1), Duration::MAX] {
        let (absolute, sliding) = (world.map().ttl(ttl), world.map().sliding_ttl(ttl));
        world.refuses(absolute.join(), expected.clone()).await;
        world.refuses(sliding.join(), expected.clone()).await;
    }
}

pub(crate) async fn a_closed_client_joins_nothing(mut world: World) {
    must_end(world.client().close()).await;
    let expected = Error::Closed { map: world.name().clone() };
    let joining = world.map().join();
    world.refuses(joining, expected).await;
}
