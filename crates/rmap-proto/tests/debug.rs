//! `Debug` output ends in logs, so no type may show a value in it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Debug;

use bytes::Bytes;
use rmap_proto::{
    BatchOperation, BatchReply, Change, Entries, Key, KeyOperation, MapName, Notification, Operation, Page,
    Precondition, Reply, Revision, Ttl, Write, WriteReply, script,
};

const SECRET: &str = "hunter2";

#[track_caller]
fn hides(holder: &dyn Debug, shows: &str) {
    let text = format!("{holder:?}");
    // A value would appear as text or as the numbers of its bytes.
    assert!(!text.contains(SECRET) && !text.contains("104, 117"), "{text}");
    assert!(text.contains(shows), "{text}");
}

#[test]
fn no_holder_of_a_value_shows_it() {
    let (key, secret) = (Key::new("color").unwrap(), Bytes::from_static(SECRET.as_bytes()));
    let set = KeyOperation::Set { key: key.clone(), value: secret.clone() };
    let append = KeyOperation::AppendValues { key: key.clone(), items: vec![SECRET.to_owned()] };
    hides(&set, "color");
    hides(&append, "color");
    let equals = Precondition::Equals { key: key.clone(), value: secret.clone() };
    hides(&equals, "color");
    let batch = BatchOperation::new(vec![equals], vec![set.clone()]);
    hides(&Operation::Batch(batch.clone()), "1");
    hides(&Operation::TestAndReset { tests: vec![(key, secret.clone())] }, "color");
    let write = Write::new(Operation::Batch(batch), Ttl::None);
    hides(&write, "Batch");
    hides(&script::write(&MapName::new("flags").unwrap(), &write).unwrap(), "map:flags:content");
    let write = Write::new(set, Ttl::None);
    hides(&script::write(&MapName::new("flags").unwrap(), &write).unwrap(), "7 bytes");
    let values = vec![Some(secret.clone())];
    let batch = Some(BatchReply::new(1, None, values));
    let (previous, value) = (Some(secret.clone()), Some(secret.clone()));
    hides(&WriteReply::new(true, None).previous(previous).value(value).batch(batch), "7 bytes");
    let change = Change::Set { key: b"color", value: SECRET.as_bytes() };
    hides(&Notification::new(Revision::ONE, change), "color");
    let entries = Entries::new(vec![("color".into(), secret.clone())], vec!["=rev".into()]);
    hides(&Page::new(0, entries), "12 bytes");
    hides(&Reply::Array(vec![Reply::Nil, Reply::Bytes(secret)]), "7 bytes");
}
