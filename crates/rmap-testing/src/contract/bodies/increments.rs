//! `inc`.

use crate::must_end;
use rmap_client::Error;

use super::wire;
use crate::contract::world::{World, key};

pub(crate) async fn a_missing_key_counts_as_zero(mut world: World) {
    let map = world.join().await;
    let first = must_end(map.inc("n", 0)).await.unwrap();
    let revision = first.revision.get();
    let second = must_end(map.inc("m", -3)).await.unwrap();
    assert_eq!((first.value, second.value, second.revision.get()), (0, -3, revision + 1));
    world.holds(revision + 1, "set", &[("n", "0"), ("m", "-3")]);
    let expected = [wire::first_set("n", "0", revision), wire::set("m", "-3", revision + 1)];
    assert_eq!(world.published().await, expected);
}

pub(crate) async fn a_number_is_added_to(mut world: World) {
    let map = world.join_with(&[("n", "40")]).await;
    let sums = [(2, 42), (-50, -8), (8, 0), (0, 0)];
    let mut published = Vec::new();
    for (revision, (delta, sum)) in (7..).zip(sums) {
        let incremented = must_end(map.inc("n", delta)).await.unwrap();
        assert_eq!((incremented.value, incremented.revision.get()), (sum, revision));
        published.push(wire::set("n", sum.to_string(), revision));
    }
    world.holds(10, "set", &[("n", "0")]);
    assert_eq!(world.published().await, published);
}

pub(crate) async fn the_limits_of_64_bits_are_reached_exactly(mut world: World) {
    // Beyond 2^53 a floating-point number would round.
    let map = world.join_with(&[("up", "9223372036854775806"), ("down", "-9223372036854775807")]).await;
    assert_eq!(must_end(map.inc("up", 1)).await.unwrap().value, i64::MAX);
    assert_eq!(must_end(map.inc("down", -1)).await.unwrap().value, i64::MIN);
    assert_eq!(must_end(map.inc("zero", i64::MIN)).await.unwrap().value, i64::MIN);
    let (most, least) = ("9223372036854775807", "-9223372036854775808");
    world.holds(9, "set", &[("up", most), ("down", least), ("zero", least)]);
    let expected = [wire::set("up", most, 7), wire::set("down", least, 8), wire::set("zero", least, 9)];
    assert_eq!(world.published().await, expected);
}

pub(crate) async fn what_redis_takes_for_no_integer_is_refused(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    let others = [
        "",
        " 5",
        "5 ",
        "+5",
        "05",
        "-0",
        "--5",
        "5.0",
        "1e3",
        "0x10",
        "blue",
        "9223372036854775808",
        "[]",
        "\u{665}",
    ];
    for value in others {
        world.plant("n", value);
        let expected = Error::NotAnInteger { map: world.name().clone(), key: key("n") };
        world.refuses(map.inc("n", 1), expected).await;
    }
}

pub(crate) async fn a_sum_beyond_64_bits_is_refused(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    for (number, delta) in
        [(i64::MAX, 1), (i64::MIN, -1), (1, i64::MAX), (-1, i64::MIN), (i64::MIN, i64::MIN)]
    {
        world.plant("n", number.to_string());
        let expected = Error::Overflow { map: world.name().clone(), key: key("n") };
        world.refuses(map.inc("n", delta), expected).await;
    }
}
