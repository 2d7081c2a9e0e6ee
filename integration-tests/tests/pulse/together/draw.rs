//! Operations drawn from a seed.

use fastrand::Rng;

use crate::call::Call;

/// Few keys, so that the writers collide.
const KEYS: &[&[u8]] = &[b"a", b"b", b"list", b"n", b"\xc3\xb6", b"\x00\xff"];

/// Texts, integers and lists, including some that other kinds of operations refuse.
const VALUES: &[&[u8]] =
    &[b"", b"x", b"7", b"-1", b"9223372036854775807", b"a,b", b"[\"a\",\"b\"]", b"[]", b"\xff\x00", b"x=y"];

const ITEMS: &[&[u8]] = &[b"a", b"b", b"", b"c/d", b"\xc3\xa9"];

/// Any operation.
pub(super) fn call(rng: &mut Rng) -> Call {
    let (key, value, test) = (pick(rng, KEYS), pick(rng, VALUES), pick(rng, VALUES));
    match rng.u8(..22) {
        ..=5 => Call::Set { key, value },
        6..=7 => Call::SetIfNotExists { key, value },
        8..=9 => Call::TestAndSet { key, test, value },
        10..=11 => Call::Delete { key },
        12 => Call::TestAndDelete { key, test },
        13..=14 => Call::Inc { key, delta: rng.i64(-3..4) },
        15..=16 => Call::Append { key, items: items(rng) },
        17 => Call::AppendUnique { key, items: items(rng) },
        18..=19 => Call::Remove { key, items: items(rng) },
        20 => Call::TestAndReset { keys: vec![key], tests: vec![test] },
        _ if rng.u8(..3) > 0 => Call::Set { key, value },
        _ if rng.bool() => Call::Reset,
        _ => Call::Destroy,
    }
}

fn items(rng: &mut Rng) -> Vec<Vec<u8>> {
    (0..rng.usize(..4)).map(|_| pick(rng, ITEMS)).collect()
}

fn pick(rng: &mut Rng, from: &[&[u8]]) -> Vec<u8> {
    from[rng.usize(..from.len())].to_vec()
}
