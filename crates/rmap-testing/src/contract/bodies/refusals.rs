//! Bad input and bad states that several operations share. Each has its own error, and nothing changes.

use crate::must_end;
use bytes::Bytes;
use rmap_client::{Error, InvalidKey};

use super::every;
use super::wire;
use crate::contract::world::{World, key};

const MAX_KEY: usize = 1 << 20;
const MAX_VALUE: usize = 16 << 20;

pub(crate) async fn an_empty_key_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    let expected = Error::InvalidKey { map: world.name().clone(), cause: InvalidKey::Empty };
    world.refuses_all(every::keyed(&map, b"", b""), &expected).await;
    world.refuses(map.test_and_reset([("k", "5"), ("", "")]), expected).await;
}

pub(crate) async fn a_key_with_an_equals_sign_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    for (text, offset) in [("=", 0), ("=rev", 0), ("=kind", 0), ("a=b", 1), ("end=", 3)] {
        let cause = InvalidKey::EqualsSign { key: Bytes::from_static(text.as_bytes()), offset };
        let expected = Error::InvalidKey { map: world.name().clone(), cause };
        world.refuses_all(every::keyed(&map, text.as_bytes(), text.as_bytes()), &expected).await;
        world.refuses(map.test_and_reset([("k", "5"), (text, "")]), expected).await;
    }
}

pub(crate) async fn a_key_too_long_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    let long = vec![b'k'; MAX_KEY + 1];
    let expected = Error::KeyTooLong { map: world.name().clone(), length: MAX_KEY + 1, limit: MAX_KEY };
    world.refuses_all(every::keyed(&map, &long, &long), &expected).await;
}

pub(crate) async fn a_value_too_long_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    let long = "v".repeat(MAX_VALUE + 1);
    let expected = Error::ValueTooLong {
        map: world.name().clone(),
        key: key("k"),
        length: MAX_VALUE + 1,
        limit: MAX_VALUE,
    };
    world.refuses_all(every::valued(&map, b"k", b"k", &long), &expected).await;
    world.refuses(map.remove_values("k", [long]), expected.clone()).await;
    // The sizes of the items add up.
    let half = "v".repeat(MAX_VALUE / 2);
    let items = [&half[..], &half, "v"];
    world.refuses(map.append_values("k", items), expected.clone()).await;
    world.refuses(map.append_unique_values("k", items), expected.clone()).await;
    world.refuses(map.remove_values("k", items), expected).await;
}

pub(crate) async fn the_longest_key_and_value_are_taken(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    let (long_key, long_value) = ("k".repeat(MAX_KEY), "v".repeat(MAX_VALUE));
    let written = must_end(map.set_and_wait(&long_key, &long_value)).await.unwrap();
    assert_eq!(written.revision.get(), 7);
    assert!(map.get(&long_key).unwrap() == long_value[..]);
    assert!(world.published().await == [wire::set(&long_key, &long_value, 7)]);
}

pub(crate) async fn a_corrupt_revision_is_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    let expected = Error::CorruptRevision { map: world.name().clone() };
    let corrupt = [
        "",
        "x",
        "-1",
        "+1",
        "01",
        "00",
        " 6",
        "6 ",
        "6\n",
        "6.0",
        "1e5",
        "0x6",
        "100000000000000",
        "9223372036854775808",
        "99999999999999999999",
    ];
    for revision in corrupt {
        world.plant("=rev", revision);
        world.refuses_all(every::applied(&map), &expected).await;
        world.refuses_all(every::not_applied(&map), &expected).await;
        assert_eq!(must_end(world.map().join()).await.unwrap_err(), expected, "{revision}");
    }
    // A corrupt revision is reported before any other error.
    world.plant("k", "[1]");
    world.refuses(map.inc("k", 1), expected.clone()).await;
    world.refuses(map.append_values("k", ["a"]), expected).await;
}

pub(crate) async fn exhausted_revisions_are_refused(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    world.plant("=rev", "99999999999999");
    let expected = Error::RevisionsExhausted { map: world.name().clone() };
    world.refuses_all(every::applied(&map), &expected).await;
    for (name, writing) in every::not_applied(&map) {
        assert_eq!(world.unchanged_by(writing).await, Ok(()), "{name}");
    }
}

pub(crate) async fn the_last_revision_is_written_in_full(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    world.plant("=rev", "99999999999998");
    let written = must_end(map.set("k", "6")).await.unwrap();
    assert_eq!(written.revision.get(), 99_999_999_999_999);
    world.holds(99_999_999_999_999, "set", &[("k", "6")]);
    let payload = b"set:\x01\0\0\0k\x01\0\0\x006\x0e\0\0\x0099999999999999";
    assert_eq!(world.published().await, [payload]);
}

pub(crate) async fn writes_whose_condition_does_not_hold_change_nothing(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    for (name, writing) in every::not_applied(&map) {
        assert_eq!(world.unchanged_by(writing).await, Ok(()), "{name}");
    }
}

pub(crate) async fn each_write_raises_the_revision_by_one_and_says_so_once(mut world: World) {
    for index in 0.. {
        world.begin(None);
        let map = world.join().await;
        let Some((name, writing)) = every::applied(&map).into_iter().nth(index) else { break };
        must_end(writing).await.unwrap();
        assert_eq!(world.hash()[&b"=rev"[..]], b"7", "{name}");
        let published = world.published().await;
        assert!(published.len() == 1 && published[0].ends_with(b"7"), "{name}: {published:?}");
    }
}

pub(crate) async fn a_closed_map_refuses_all_but_clearing(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    must_end(map.close()).await;
    let expected = Error::Closed { map: world.name().clone() };
    world.refuses_all(every::keyed(&map, b"k", b"absent"), &expected).await;
    world.refuses_all(every::not_applied(&map), &expected).await;
    // Bad input is still reported first.
    let cause = InvalidKey::Empty;
    world.refuses(map.set("", "v"), Error::InvalidKey { map: world.name().clone(), cause }).await;

    assert_eq!(must_end(map.reset()).await.unwrap().revision.get(), 7);
    assert_eq!(must_end(map.destroy()).await.unwrap().revision.get(), 8);
    world.holds::<&str>(8, "destroy", &[]);
    assert_eq!(world.published().await, [wire::reset(7), wire::destroy(8)]);
    assert_eq!(map.get("k").unwrap(), "5");
}

pub(crate) async fn a_closed_client_refuses_all(mut world: World) {
    let map = world.join_with(&[("k", "5")]).await;
    must_end(world.client().close()).await;
    let expected = Error::Closed { map: world.name().clone() };
    world.refuses_all(every::applied(&map), &expected).await;
    let joining = world.map().join();
    world.refuses(joining, expected).await;
}
