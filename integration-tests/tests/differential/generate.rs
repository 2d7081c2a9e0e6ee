//! Random operations, keys and values, hostile ones included.

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use rmap_model::Authority;
use rmap_proto::script::group_size;
use rmap_proto::{
    BatchOperation, Key, KeyOperation, Operation, Precondition, REVISION_FIELD, Revision, Ttl, TtlMillis,
    list,
};

pub(crate) const ABSOLUTE: Duration = Duration::from_secs(1_000_000);
pub(crate) const SLIDING: Duration = Duration::from_secs(3_000_000);

pub(crate) fn ttl(rng: &mut Rng) -> Ttl {
    match rng.u8(..6) {
        0 => Ttl::Absolute(TtlMillis::new(ABSOLUTE).unwrap()),
        1 => Ttl::Sliding(TtlMillis::new(SLIDING).unwrap()),
        _ => Ttl::None,
    }
}

/// Limits that are often so short that histories exceed them.
pub(crate) fn lists(rng: &mut Rng) -> list::Limit {
    match rng.u8(..4) {
        0 => list::Limit::new(rng.usize(..4), rng.usize(2..100)),
        1 => list::Limit::new(rng.usize(..20), rng.usize(2..40)),
        _ => list::Limit::default(),
    }
}

pub(crate) fn operation(rng: &mut Rng, model: &Authority) -> Operation {
    match rng.u8(..30) {
        24.. => Operation::Batch(batch(rng, model)),
        21 => Operation::Reset,
        22 => Operation::Destroy,
        23 => Operation::TestAndReset { tests: tests(rng, model) },
        _ => Operation::Key(key_operation(rng, model)),
    }
}

fn key_operation(rng: &mut Rng, model: &Authority) -> KeyOperation {
    let key = key(rng);
    let test = test(rng, model, &key);
    match rng.u8(..21) {
        0..3 => KeyOperation::Set { key, value: value(rng) },
        3..5 => KeyOperation::SetIfNotExists { key, value: value(rng) },
        5..7 => KeyOperation::TestAndSet { key, test, value: value(rng) },
        7..9 => KeyOperation::Delete { key },
        9..11 => KeyOperation::TestAndDelete { key, test },
        11..14 => KeyOperation::Inc { key, delta: delta(rng) },
        14..16 => KeyOperation::AppendValues { key, items: items(rng) },
        16..18 => KeyOperation::AppendUniqueValues { key, items: items(rng) },
        _ => {
            let held = list::parse(&test).unwrap_or_default();
            let items = if rng.bool() { held.into_iter().take(rng.usize(..4)).collect() } else { items(rng) };
            KeyOperation::RemoveValues { key, items }
        }
    }
}

/// Writes that can be sent together. Their test values come from before the first of them, or are other values.
pub(crate) fn group(rng: &mut Rng, model: &Authority) -> Vec<Operation> {
    let only_sets = rng.u8(..4) == 0;
    let one = |rng: &mut Rng| {
        let any = operation(rng, model);
        let fits = !only_sets && group_size(&any).is_some();
        if fits { any } else { Operation::Key(KeyOperation::Set { key: key(rng), value: value(rng) }) }
    };
    (0..rng.usize(1..10)).map(|_| one(rng)).collect()
}

fn batch(rng: &mut Rng, model: &Authority) -> BatchOperation {
    BatchOperation::new(
        (0..rng.usize(..4).saturating_sub(1)).map(|_| precondition(rng, model)).collect(),
        (0..rng.usize(..6)).map(|_| key_operation(rng, model)).collect(),
    )
}

fn precondition(rng: &mut Rng, model: &Authority) -> Precondition {
    let key = key(rng);
    match rng.u8(..4) {
        0 => Precondition::Absent { key },
        1 => Precondition::Revision(held_revision(rng, model)),
        _ => Precondition::Equals { value: test(rng, model, &key), key },
    }
}

fn held_revision(rng: &mut Rng, model: &Authority) -> Option<Revision> {
    let held = model.fields().remove(REVISION_FIELD).and_then(|text| Revision::parse(&text));
    held.or_else(|| (model.exists() || rng.bool()).then_some(Revision::ZERO))
}

/// One pair or two. The second pair may test the same key.
fn tests(rng: &mut Rng, model: &Authority) -> Vec<(Key, Bytes)> {
    let mut tests = Vec::new();
    for _ in 0..rng.usize(1..3) {
        let key = key(rng);
        let test = test(rng, model, &key);
        tests.push((key, test));
    }
    tests
}

/// Often the key's value, so that conditions hold.
fn test(rng: &mut Rng, model: &Authority, key: &Key) -> Bytes {
    let held = if rng.u8(..4) > 0 { model.fields().remove(key.as_bytes()) } else { None };
    held.unwrap_or_else(|| value(rng))
}

pub(crate) fn key(rng: &mut Rng) -> Key {
    let keys: [&[u8]; 4] = [b"a", b"b", "schlüssel".as_bytes(), b"\0\xff\r\n"];
    Key::new(keys[rng.usize(..keys.len())]).unwrap()
}

pub(crate) fn field(rng: &mut Rng) -> Vec<u8> {
    if rng.u8(..4) == 0 { b"=rev".to_vec() } else { other_field(rng) }
}

/// Keys, and fields that no map writes.
pub(crate) fn other_field(rng: &mut Rng) -> Vec<u8> {
    let fields: [&[u8]; 4] = [b"=kind", b"=epoch", b"x=y", b""];
    match rng.usize(..8) {
        index if index < fields.len() => fields[index].to_vec(),
        _ => key(rng).as_bytes().to_vec(),
    }
}

pub(crate) fn revision(rng: &mut Rng) -> &'static str {
    const REVISIONS: &[&str] = &[
        "0",
        "1",
        "41",
        "7000",
        "1700000000000",
        "99999999999990",
        "99999999999998",
        "99999999999999",
        "100000000000000",
        "junk",
        "",
        "007",
        "-1",
        "+1",
        "1.5",
        "1e3",
        " 1",
        "1 ",
        "0x1",
        "1\n",
    ];
    REVISIONS[rng.usize(..REVISIONS.len())]
}

fn delta(rng: &mut Rng) -> i64 {
    const DELTAS: &[i64] = &[0, 1, -1, 7, i64::MAX, i64::MIN, 9_007_199_254_740_993];
    DELTAS[rng.usize(..DELTAS.len())]
}

pub(crate) fn value(rng: &mut Rng) -> Bytes {
    match rng.u8(..4) {
        0 => integer_like(rng).into(),
        1 => list_like(rng).into(),
        2 => Bytes::from_static(b"a"),
        _ => (0..rng.usize(..12)).map(|_| rng.u8(..)).collect(),
    }
}

/// Texts on both sides of the rule for integers.
fn integer_like(rng: &mut Rng) -> &'static str {
    const TEXTS: &[&str] = &[
        "0",
        "5",
        "-5",
        "05",
        "+5",
        " 5",
        "5 ",
        "",
        "-",
        "-0",
        "00",
        "1.5",
        "1e3",
        "0x10",
        "5\n",
        "5\0",
        "٣",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9007199254740993",
        "123456789012345678901234567890",
    ];
    TEXTS[rng.usize(..TEXTS.len())]
}

fn items(rng: &mut Rng) -> Vec<String> {
    const ITEMS: &[&str] =
        &["a", "b", "", "a,b", "[", "é", "日本", "😀", "\"\\/", "\0\u{1f}\u{7f}", "\u{8}\t\n\u{c}\r"];
    (0..rng.usize(..4)).map(|_| ITEMS[rng.usize(..ITEMS.len())].to_owned()).collect()
}

/// A list as JSON or as comma-separated text, valid in about half of the cases and otherwise damaged.
pub(crate) fn list_like(rng: &mut Rng) -> Vec<u8> {
    let mut text = if rng.u8(..4) == 0 { separated(rng) } else { array(rng) };
    for _ in 0..rng.usize(..3) {
        damage(rng, &mut text);
    }
    text
}

fn separated(rng: &mut Rng) -> Vec<u8> {
    items(rng).join(",").into_bytes()
}

fn array(rng: &mut Rng) -> Vec<u8> {
    let mut text = blank(rng).to_vec();
    text.push(b'[');
    for index in 0..rng.usize(..4) {
        text.extend_from_slice(if index == 0 { b"" } else { b"," });
        text.extend_from_slice(blank(rng));
        text.push(b'"');
        (0..rng.usize(..3)).for_each(|_| text.extend_from_slice(piece(rng)));
        text.push(b'"');
        text.extend_from_slice(blank(rng));
    }
    text.push(b']');
    text.extend_from_slice(blank(rng));
    text
}

fn blank(rng: &mut Rng) -> &'static [u8] {
    const BLANKS: &[&[u8]] = &[b"", b"", b"", b" ", b"\t\r\n "];
    BLANKS[rng.usize(..BLANKS.len())]
}

/// A piece of the inside of a JSON string.
fn piece(rng: &mut Rng) -> &'static [u8] {
    const PIECES: &[&[u8]] = &[
        b"a",
        b"b",
        b",",
        b"/",
        b"[",
        b"\x7f",
        b"\\/",
        b"\\\"",
        b"\\\\",
        b"\\n",
        b"\\u0000",
        b"\\u00e9",
        b"\\u007F",
        b"\\ud83d\\ude00",
        b"\\uDBFF\\uDFFF",
        "é".as_bytes(),
        "日".as_bytes(),
        "😀".as_bytes(),
        "\u{ffff}".as_bytes(),
        "\u{10ffff}".as_bytes(),
        "\u{800}".as_bytes(),
        "\u{d7ff}".as_bytes(),
        "\u{e000}".as_bytes(),
    ];
    PIECES[rng.usize(..PIECES.len())]
}

/// Inserts, removes or changes a byte.
fn damage(rng: &mut Rng, text: &mut Vec<u8>) {
    const SPLINTERS: &[&[u8]] = &[
        b"\"",
        b"\\",
        b",",
        b"[",
        b"]",
        b"{",
        b"}",
        b"null",
        b"1",
        b"\\u",
        b"\\ud800",
        b"\\udc00",
        b"\\x",
        b"\\'",
        b"\0",
        b"\x1f",
        b"\n",
        b"\x0b",
        b"\xa0",
        b"\xff",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xb0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xc3",
        b"\x80",
        b"\xe6\x97",
        b"\xef\xbb\xbf",
        b"\xe3\xc3\xa9\x81\x82",
        b"//",
        b"NaN",
    ];
    let at = rng.usize(..=text.len());
    match rng.u8(..3) {
        0 => drop(text.splice(at..at, SPLINTERS[rng.usize(..SPLINTERS.len())].iter().copied())),
        1 if at < text.len() => drop(text.remove(at)),
        _ if at < text.len() => text[at] = rng.u8(..),
        _ => {}
    }
}
