//! Decoders on exhaustive inputs: all strings of up to 3 bytes, and the test vectors with each byte replaced by every
//! other and cut at every length.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "corpus/inputs.rs"]
mod inputs;
#[path = "exhaustive/reference.rs"]
mod reference;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use rmap_proto::script::{decode_read, decode_written};
use rmap_proto::{
    Key, MapName, Mark, Notification, Part, Read, ReadReply, Reply, Revision, is_reserved, list,
};
use serde_json::Value;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("wire-format-vectors.json")).unwrap());

/// The byte strings of one kind of vectors. In a vector that is an object, `name` selects the string.
fn vectors(section: &str, kinds: &[&str], name: &str) -> Vec<Vec<u8>> {
    let found = kinds.iter().flat_map(|kind| VECTORS[section][kind].as_array().unwrap());
    let digits = found.map(|vector| vector.as_str().or_else(|| vector[name].as_str()).unwrap());
    let pair = |digits: &str, at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let bytes = |digits: &str| (0..digits.len()).step_by(2).map(|at| pair(digits, at)).collect();
    digits.map(bytes).collect()
}

/// Calls `check` with every variant that one replaced byte or one cut produces.
fn every_variant(vectors: Vec<Vec<u8>>, mut check: impl FnMut(&[u8])) {
    assert!(!vectors.is_empty());
    for mut vector in vectors {
        for length in 0..=vector.len() {
            check(&vector[..length]);
        }
        for at in 0..vector.len() {
            let byte = vector[at];
            for other in 0..=255 {
                vector[at] = other;
                check(&vector);
            }
            vector[at] = byte;
        }
    }
}

/// Calls `check` with all strings of up to 3 bytes, each after `prefix`.
fn every_string(prefix: &[u8], mut check: impl FnMut(&[u8])) {
    let mut buffer = prefix.to_vec();
    let begin = prefix.len();
    check(&buffer);
    for length in 1..=3 {
        buffer.resize(begin + length, 0);
        for number in 0..1_u32 << (8 * length) {
            buffer[begin..].copy_from_slice(&number.to_le_bytes()[..length]);
            check(&buffer);
        }
    }
}

/// The decoder agrees with the reference, and its faults lie within the payload.
fn check_notification(payload: &[u8]) {
    let decoded = Notification::decode(payload);
    if let Err(fault) = &decoded {
        assert!(fault.offset <= payload.len(), "{fault}: {}", payload.escape_ascii());
    }
    let part = decoded.map_err(|fault| fault.part);
    assert_eq!(part, reference::decode(payload), "{}", payload.escape_ascii());
}

#[test]
fn no_short_string_is_a_notification() {
    every_string(b"", |payload| {
        let fault = Notification::decode(payload).unwrap_err();
        assert_eq!((fault.part, fault.offset), (Part::Kind, 0));
        assert_eq!(Notification::key_of(payload), None);
    });
}

#[test]
fn short_strings_end_notifications_as_the_reference_says() {
    for prefix in [
        &b"reset:"[..],
        b"set:",
        b"del:\x01\0\0\0k\x03\0\0\0",
        b"set:\x01\0\0\0k\x01\0\0\0v\x01\0\0\x007RM",
        b"set:\x01\0\0\0k\x01\0\0\0v\x01\0\0\x007RMB\x04\0\0\0\x07",
    ] {
        every_string(prefix, check_notification);
    }
}

#[test]
fn variants_of_notifications_are_what_the_reference_says() {
    every_variant(vectors("notifications", &["valid", "invalid"], "payload"), |payload| {
        check_notification(payload);
        inputs::check(&[&[0], payload].concat());
    });
}

/// `[]` is the only JSON array of strings this short.
#[test]
fn short_strings_are_lists_by_the_rule() {
    every_string(b"", |value| {
        let black = value.iter().position(|byte| !b" \t\n\r".contains(byte));
        let expected = match black.map(|at| value[at]) {
            Some(b'[' | b'{') => {
                let black = value.iter().filter(|byte| !b" \t\n\r".contains(byte));
                if black.eq(b"[]") { Some(0) } else { None }
            }
            _ => {
                str::from_utf8(value).ok().map(|text| text.split(',').filter(|item| !item.is_empty()).count())
            }
        };
        assert_eq!(list::parse(value).ok().map(|items| items.len()), expected, "{}", value.escape_ascii());
    });
}

#[test]
fn variants_of_lists_come_back_as_they_are_read() {
    let values =
        [vectors("lists", &["read", "write"], "value"), vectors("lists", &["not_lists"], "")].concat();
    every_variant(values, |value| inputs::check(&[&[2], value].concat()));
}

/// An independent rule: digits without a leading zero.
fn is_canonical(text: &[u8]) -> bool {
    matches!(text, [b'0'] | [b'1'..=b'9', ..]) && text.iter().all(u8::is_ascii_digit)
}

#[test]
fn short_strings_are_numbers_and_fields_by_the_rules() {
    every_string(b"", |text| {
        let number =
            is_canonical(text).then(|| text.iter().fold(0, |sum, digit| 10 * sum + u64::from(digit - b'0')));
        assert_eq!(Revision::parse(text).map(Revision::get), number);
        assert_eq!(Mark::parse_id(text), number);
        assert_eq!(is_reserved(text), text.contains(&b'='));
    });
}

/// Each byte is judged by itself, so that pairs cover every rule.
#[test]
fn pairs_of_bytes_are_keys_and_names_by_the_rules() {
    for pair in (0..=u16::MAX).map(u16::to_le_bytes) {
        for text in [&pair[..], &pair[..1]] {
            assert_eq!(Key::new(text).is_ok(), !text.contains(&b'='));
            assert_eq!(MapName::new(text).is_ok(), text.iter().all(|byte| !b" \0*?[]".contains(byte)));
        }
    }
}

#[test]
fn variants_of_numbers_keys_fields_and_names_follow_the_rules() {
    let revisions = VECTORS["revisions"]["valid"].as_array().unwrap();
    let marks = VECTORS["marks"]["valid"].as_array().unwrap();
    let texts = revisions.iter().chain(marks).map(|text| text.as_str().unwrap().as_bytes().to_vec());
    let refused = [vectors("revisions", &["invalid"], ""), vectors("marks", &["invalid"], "")].concat();
    every_variant(texts.chain(refused).collect(), |text| inputs::check(&[&[3], text].concat()));
    for (section, kinds) in [("keys", ["valid", "invalid"]), ("fields", ["content", "reserved"])] {
        every_variant(vectors(section, &kinds, "key"), |text| inputs::check(&[&[4], text].concat()));
    }
    // Names at the limit of 512 characters would take as long as all others together.
    let mut names = vectors("names", &["valid", "invalid"], "name");
    names.retain(|name| name.len() < 100);
    every_variant(names, |text| inputs::check(&[&[4], text].concat()));
}

/// Only two parts of replies are text: the short reply of an applied write, and the cursor of a page.
#[test]
fn short_strings_in_replies_are_read_by_the_rules() {
    let all = 0..=255;
    for (first, second) in all.clone().flat_map(|first| all.clone().map(move |second| (first, second))) {
        let block: Bytes = all.clone().flat_map(|third| [first, second, third]).collect();
        for at in 0..256 {
            check_written(&block.slice(3 * at..3 * at + 3));
        }
        check_written(&block.slice(..2));
    }
    for text in [&b""[..], b"=", b"7", b"7="] {
        check_written(&Bytes::from_static(text));
    }
}

fn check_written(text: &Bytes) {
    let written = decode_written(Reply::Bytes(text.clone()));
    let mut parts = text.splitn(2, |byte| *byte == b'=');
    let (revision, previous) = (parts.next().unwrap(), parts.next());
    assert_eq!(written.is_ok(), is_canonical(revision), "{}", text.escape_ascii());
    if let Ok(written) = written {
        assert_eq!((written.revision, written.previous.as_deref()), (Revision::parse(revision), previous));
        assert_eq!((written.applied, written.value, written.batch), (true, None, None));
    }
}

/// The corpus holds replies of every shape.
#[test]
fn variants_of_the_corpus_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/seeds");
    let files = fs::read_dir(folder).unwrap();
    let mut seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    // Long seeds are mostly lists, and their variants would take most of the time.
    seeds.retain(|seed| seed.len() < 200);
    every_variant(seeds, inputs::check);
}

#[test]
fn cursors_are_numbers() {
    let read = Read::Page { cursor: 0, count: 1 };
    let texts = ["", "0", "7", "18446744073709551615", "18446744073709551616", "-1", "x"];
    every_variant(texts.map(|text| text.as_bytes().to_vec()).into(), |text| {
        let reply = Reply::Array(vec![Reply::Bytes(Bytes::copy_from_slice(text)), Reply::Array(Vec::new())]);
        let cursor = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        match decode_read(&read, reply) {
            Ok(ReadReply::Page(page)) => assert_eq!(Some(page.cursor), cursor),
            other => assert!(other.is_err() && cursor.is_none(), "{}: {other:?}", text.escape_ascii()),
        }
    });
}
