//! The published test vectors of the wire format, which other implementations can use too.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use rmap_proto::{
    Change, InvalidKey, InvalidName, Key, LeaseNews, MapName, Mark, Notification, Problem, Revision,
    is_reserved, list,
};
use serde_json::Value;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("wire-format-vectors.json")).unwrap());

/// The vectors of one kind. An empty list fails the test.
fn vectors(section: &str, kind: &str) -> &'static [Value] {
    let found = VECTORS[section][kind].as_array().unwrap();
    assert!(!found.is_empty());
    found
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("no {field}: {vector}"))
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    unhex(text(vector, field))
}

fn plain_bytes(vector: &Value) -> Vec<u8> {
    unhex(vector.as_str().unwrap())
}

fn items(vector: &Value) -> Vec<String> {
    vector["items"].as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_section_is_tested_here() {
    let sections: Vec<&str> = VECTORS.as_object().unwrap().keys().map(String::as_str).collect();
    let mut known =
        ["about", "notifications", "names", "keys", "fields", "revisions", "lists", "marks", "lease_news"];
    known.sort_unstable();
    assert_eq!(sections, known);
}

#[test]
fn valid_notifications_are_read_and_written() {
    for vector in vectors("notifications", "valid") {
        let name = text(vector, "name");
        let payload = bytes(vector, "payload");
        let (key, value) = (|| bytes(vector, "key"), || bytes(vector, "value"));
        let (key, value) = match text(vector, "event") {
            "set" => (key(), value()),
            "del" => (key(), Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        let change = match text(vector, "event") {
            "set" => Change::Set { key: &key, value: &value },
            "del" => Change::Delete { key: &key },
            "reset" => Change::Reset,
            "destroy" => Change::Destroy,
            other => panic!("{name}: no such event: {other}"),
        };
        let expected =
            Notification::new(Revision::parse(text(vector, "revision").as_bytes()).unwrap(), change)
                .born(vector["born"].as_bool().unwrap())
                .remaining(u32::try_from(vector["remaining"].as_u64().unwrap()).unwrap())
                .lease_left(vector["lease_left"].as_u64());
        assert_eq!(Notification::decode(&payload), Ok(expected), "{name}");
        assert_eq!(expected.is_whole(), vector["whole"].as_bool().unwrap(), "{name}");
        let written_so = expected.encode() == payload;
        assert_eq!(written_so, vector["canonical"].as_bool().unwrap(), "{name}");
    }
}

#[test]
fn invalid_notifications_are_refused_where_they_are_wrong() {
    for vector in vectors("notifications", "invalid") {
        let name = text(vector, "name");
        let fault = Notification::decode(&bytes(vector, "payload")).expect_err(name);
        let problem = match fault.problem {
            Problem::UnknownKind => "unknown",
            Problem::Truncated { .. } => "truncated",
            Problem::Empty => "empty",
            Problem::NotARevision => "not a revision",
            Problem::WrongLength { .. } => "wrong length",
            Problem::Repeated => "repeated",
            other => panic!("{name}: {other}"),
        };
        assert_eq!(fault.part.to_string(), text(vector, "part"), "{name}");
        assert_eq!(problem, text(vector, "problem"), "{name}");
        assert_eq!(Some(fault.offset as u64), vector["offset"].as_u64(), "{name}");
    }
}

#[test]
fn names_and_what_follows_from_them() {
    for vector in vectors("names", "valid") {
        let name = MapName::new(bytes(vector, "name")).unwrap();
        assert_eq!(name.hash_key(), bytes(vector, "hash_key"));
        assert_eq!(name.updates_channel(), bytes(vector, "updates_channel"));
        assert_eq!(name.sync_channel(text(vector, "nonce")), bytes(vector, "sync_channel"));
    }
    for vector in vectors("names", "sidecars") {
        let name = MapName::new(bytes(vector, "name")).unwrap();
        let keys = name.sidecars().unwrap();
        assert_eq!(
            (&keys.side[..], &keys.leases[..]),
            (&bytes(vector, "side")[..], &bytes(vector, "leases")[..])
        );
    }
    for vector in vectors("names", "without_sidecars") {
        let name = MapName::new(bytes(vector, "name")).unwrap();
        assert_eq!(Some(name.sidecars().unwrap_err().offset as u64), vector["offset"].as_u64(), "{vector}");
    }
    for vector in vectors("names", "invalid") {
        let problem = match MapName::new(bytes(vector, "name")).expect_err(text(vector, "name")) {
            InvalidName::Empty => "empty",
            InvalidName::TooLong { .. } => "too long",
            InvalidName::Forbidden { .. } => "forbidden",
            other => panic!("{other}"),
        };
        assert_eq!(problem, text(vector, "problem"), "{vector}");
    }
}

#[test]
fn keys_and_fields() {
    for vector in vectors("keys", "valid") {
        assert_eq!(Key::new(plain_bytes(vector)).unwrap().as_bytes(), plain_bytes(vector));
    }
    for vector in vectors("keys", "invalid") {
        let problem = match Key::new(bytes(vector, "key")).expect_err(text(vector, "key")) {
            InvalidKey::Empty => "empty",
            InvalidKey::EqualsSign { .. } => "equals sign",
            other => panic!("{other}"),
        };
        assert_eq!(problem, text(vector, "problem"), "{vector}");
    }
    for (kind, reserved) in [("content", false), ("reserved", true)] {
        for vector in vectors("fields", kind) {
            assert_eq!(is_reserved(&plain_bytes(vector)), reserved, "{vector}");
        }
    }
}

#[test]
fn revisions() {
    for vector in vectors("revisions", "valid") {
        let text = vector.as_str().unwrap();
        assert_eq!(Revision::parse(text.as_bytes()).unwrap().to_string(), text);
    }
    for vector in vectors("revisions", "invalid") {
        assert_eq!(Revision::parse(&plain_bytes(vector)), None, "{vector}");
    }
    for vector in vectors("revisions", "next") {
        let next = Revision::parse(text(vector, "of").as_bytes()).unwrap().next();
        assert_eq!(next.map(|next| next.to_string()).as_deref(), vector["is"].as_str(), "{vector}");
    }
    for (revision, unique) in VECTORS["revisions"]["unique"].as_object().unwrap() {
        assert_eq!(Revision::parse(revision.as_bytes()).map(Revision::is_unique), unique.as_bool());
    }
}

#[test]
fn lists() {
    for vector in vectors("lists", "read") {
        assert_eq!(list::parse(&bytes(vector, "value")), Ok(items(vector)), "{vector}");
    }
    for vector in vectors("lists", "not_lists") {
        let value = plain_bytes(vector);
        assert_eq!(list::parse(&value), Err(list::NotAList), "{}", value.escape_ascii());
    }
    for vector in vectors("lists", "write") {
        assert_eq!(list::encode(items(vector)), bytes(vector, "value"), "{vector}");
    }
}

#[test]
fn news_of_leases() {
    for vector in vectors("lease_news", "valid") {
        let news = LeaseNews::decode(text(vector, "payload").as_bytes()).unwrap();
        assert_eq!(news.next.map(|next| next.as_millis() as u64), vector["left"].as_u64(), "{vector}");
        assert_eq!(news.encode(), text(vector, "payload"));
    }
    for vector in vectors("lease_news", "invalid") {
        assert_eq!(LeaseNews::decode(vector.as_str().unwrap().as_bytes()), None, "{vector}");
    }
}

#[test]
fn marks() {
    for vector in vectors("marks", "valid") {
        let text = vector.as_str().unwrap();
        assert_eq!(Mark::parse_id(text.as_bytes()).map(|id| id.to_string()).as_deref(), Some(text));
    }
    for vector in vectors("marks", "invalid") {
        assert_eq!(Mark::parse_id(&plain_bytes(vector)), None, "{vector}");
    }
}
