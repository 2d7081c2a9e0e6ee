//! Conversions, comparisons and text forms of keys, values, changes and views.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use rmap_core::{Change, Disposition, EventKind, Output, Replica, ReplicaSettings, Value};
use rmap_proto::{Entries, InvalidKey, Key, Notification, Probe, ReadReply, Revision, Snapshot};

const BYTES: &[u8] = b"on";

#[test]
fn a_value_is_made_from_text_and_bytes_of_every_kind() {
    let values = [
        Value::from("on"),
        Value::from(String::from("on")),
        Value::from(&String::from("on")),
        Value::from(BYTES),
        Value::from(b"on"),
        Value::from(vec![b'o', b'n']),
        Value::from(Bytes::from_static(b"on")),
    ];
    assert!(values.iter().all(|value| value.as_bytes() == BYTES));
}

#[test]
fn a_value_becomes_bytes() {
    let value = Value::from("on");
    let shared: Bytes = value.clone().into();
    assert_eq!(shared, BYTES);
    assert_eq!(shared.as_ptr(), value.as_ptr(), "nothing is copied");
    assert_eq!(Vec::from(value), BYTES);
}

#[test]
fn a_value_is_a_slice() {
    fn length(bytes: &[u8]) -> usize {
        bytes.len()
    }
    let value = Value::from("on");
    assert_eq!((value.first(), length(&value), &value[1..]), (Some(&b'o'), 2, &b"n"[..]));
    assert!(value.starts_with(b"o"));
}

#[test]
fn a_value_is_equal_to_the_same_text_and_bytes_and_to_no_others() {
    let value = Value::from("on");
    assert_eq!(value, *"on");
    assert_eq!(value, "on");
    assert_eq!(value, String::from("on"));
    assert_eq!(value, *BYTES);
    assert_eq!(value, BYTES);
    assert_eq!(value, *b"on");
    assert_eq!(value, b"on");
    assert_eq!(value, vec![b'o', b'n']);
    assert_eq!(value, Bytes::from_static(b"on"));
    assert_eq!("on", value);
    assert_eq!(String::from("on"), value);
    assert!(*"on" == value);
    assert_ne!(value, "off");
    assert_ne!(value, Bytes::new());
}

#[test]
fn a_value_is_shown_as_text_and_debugged_as_a_size() {
    let value = Value::from(b"caf\xc3\xa9 \xff!");
    assert_eq!(value.to_string(), "caf\u{e9} \u{fffd}!");
    assert_eq!(format!("{:>4}", Value::from("on")), "  on");
    assert_eq!(format!("{value:?}"), "Value(8 bytes)");
}

#[test]
fn a_key_is_parsed_compared_shown_and_found_by_its_bytes() {
    let key: Key = "dark-mode".parse().unwrap();
    assert_eq!("".parse::<Key>(), Err(InvalidKey::Empty));
    assert!(matches!("a=b".parse::<Key>(), Err(InvalidKey::EqualsSign { offset: 1, .. })));
    assert_eq!((key.as_ref(), key.as_str(), key.len()), (&b"dark-mode"[..], Ok("dark-mode"), 9));
    assert_eq!(key, "dark-mode");
    assert_eq!(key, b"dark-mode");
    assert_eq!(String::from("dark-mode"), key);
    assert_eq!(Bytes::from(key.clone()), "dark-mode");
    assert_eq!(Key::new(b"caf\xc3\xa9\n\xff").unwrap().to_string(), "caf\u{e9}\\n\\xff");
    assert_eq!(format!("{key:?}"), "Key(dark-mode)");
    let map = HashMap::from([(key.clone(), 1)]);
    assert_eq!(map.get(&b"dark-mode"[..]), Some(&1));
    let map = BTreeMap::from([(key, 1)]);
    assert_eq!(map.get(&b"dark-mode"[..]), Some(&1));
}

#[test]
fn a_revision_is_text_and_a_number() {
    let revision: Revision = "1790000000000".parse().unwrap();
    assert_eq!((u64::from(revision), revision.to_string()), (1_790_000_000_000, "1790000000000".to_owned()));
    assert_eq!(Revision::try_from(1_790_000_000_000), Ok(revision));
    for wrong in ["", "+1", "007", "1.0", "100000000000000", "none"] {
        assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
    }
    assert!(Revision::try_from(Revision::LIMIT).is_err());
}

fn change(key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) -> Change {
    let (old, new) = (old.map(Value::from), new.map(Value::from));
    Change { revision: Revision::new(7), key: Key::new(key).unwrap(), old, new }
}

#[test]
fn a_change_shows_everything_and_debugs_its_key_alone() {
    let changed = change(b"color", Some(b"a\"b"), Some(b"secret"));
    assert_eq!(changed.to_string(), r#"7 "color" "a\"b" -> "secret""#);
    let debugged = format!("{changed:?}");
    assert!(debugged.contains("color") && !debugged.contains("secret"), "{debugged}");
    assert_eq!(change(b"\xff", Some(b"none"), None).to_string(), r#"7 "\xff" "none" -> none"#);
    let vanished = Change { revision: None, ..change(b"k", Some(b"1"), None) };
    assert_eq!(vanished.to_string(), r#"none "k" "1" -> none"#);
    let kinds = [EventKind::Changed, EventKind::Deleted, EventKind::Reset];
    assert_eq!(kinds.map(|kind| kind.to_string()), ["changed", "deleted", "reset"]);
    assert_eq!(format!("{:>8}", EventKind::Reset), "   reset");
}

/// A replica that has read two entries.
fn replica() -> Replica {
    let mut replica = Replica::new(ReplicaSettings::default(), 7);
    replica.handle_connected(Duration::ZERO, 1);
    while let Some(output) = replica.poll_output() {
        match output {
            Output::Subscribe { nonce } => replica.handle_subscribed(Duration::ZERO, &nonce),
            Output::Request { id, .. } => {
                let content = vec![("b".into(), "2".into()), (Bytes::from_static(b"a\xff"), "1".into())];
                let entries = Entries::new(content, vec!["=rev".into()]);
                let probe = Probe::new(Revision::new(7), 3);
                replica.handle_mark(Duration::ZERO, id.get().to_string().as_bytes());
                let reply = ReadReply::Snapshot(Snapshot::new(probe, Some(entries)));
                replica.handle_reply(Duration::ZERO, id, Ok(reply));
            }
            Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
        }
    }
    replica
}

#[test]
fn a_view_is_iterated_over_by_reference() {
    let view = replica().reader().view();
    assert_eq!((view.iter().len(), view.iter().size_hint()), (2, (2, Some(2))));
    let mut seen = BTreeMap::new();
    for (key, value) in &view {
        seen.insert(Key::from(key), value.clone());
    }
    assert_eq!(
        seen.into_iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>(),
        ["a\\xff 1", "b 2"]
    );
}

#[test]
fn a_replica_and_what_it_holds_back_show_no_value_for_debugging() {
    let mut replica = Replica::new(ReplicaSettings::default(), 7);
    replica.handle_connected(Duration::ZERO, 1);
    while let Some(output) = replica.poll_output() {
        match output {
            Output::Subscribe { nonce } => replica.handle_subscribed(Duration::ZERO, &nonce),
            // The snapshot itself does not arrive.
            Output::Request { id, .. } => {
                replica.handle_mark(Duration::ZERO, id.get().to_string().as_bytes());
            }
            Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
        }
    }
    let change = rmap_proto::Change::Set { key: b"k", value: b"hunter2" };
    let payload = Notification::new(Revision::new(8).unwrap(), change).encode();
    assert_eq!(replica.handle_notification(Duration::ZERO, &payload), Disposition::Held);
    let shown = format!("{replica:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
    assert!(shown.contains("1 payloads"), "{shown}");
}

#[cfg(feature = "serde")]
#[test]
fn views_and_changes_are_serialized_without_a_loss() {
    assert_eq!(
        json(&replica().reader().view()),
        r#"{"revision":7,"entries":[{"key_hex":"61ff","value":"1"},{"key":"b","value":"2"}]}"#
    );
    assert_eq!(
        json(&change(b"k", None, Some(b"\xff\0"))),
        r#"{"revision":7,"key":"k","old":null,"new_hex":"ff00"}"#
    );
    assert_eq!(json(&EventKind::Reset), "\"reset\"");
    assert_eq!(json(&Revision::new(7)), "7");
}

#[cfg(feature = "serde")]
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}
