//! Batches: literal bytes, and refusals that leave no trace. The differential test compares the meaning of the steps
//! with the model.

use integration_tests::Server;
use rmap_model::Authority;
use rmap_proto::{
    BatchOperation, BatchReply, KeyOperation, Notification, Operation, Precondition, Revision, WriteError,
    WriteReply,
};

use crate::{absolute, batch, bytes, hash, key, plain, sliding};
use integration_tests::Scripts;

fn put(name: &str, value: &str) -> KeyOperation {
    KeyOperation::Set { key: key(name), value: bytes(value) }
}

fn drop(name: &str) -> KeyOperation {
    KeyOperation::Delete { key: key(name) }
}

fn batched(applied: bool, revision: Option<u64>, changed: u32, failed: Option<usize>) -> WriteReply {
    let batch = BatchReply::new(changed, failed, Vec::new());
    let revision = revision.map(|number| Revision::new(number).unwrap());
    WriteReply::new(applied, revision).batch(Some(batch))
}

#[test]
fn one_notification_for_each_changed_key() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    scripts.given(&[("=kind", "set"), ("=rev", "7"), ("gone", "x"), ("kept", "y")]);
    let steps = vec![
        put("a", "1"),
        drop("gone"),
        put("short", "lived"),
        drop("missing"),
        drop("short"),
        put("a", "2"),
        put("kept", "y"),
    ];
    assert_eq!(scripts.write(&plain(batch(steps))), Ok(batched(true, Some(10), 3, None)));
    let expected: [&[u8]; 3] = [
        b"set:\x01\0\0\0a\x01\0\0\x002\x01\0\0\x008RMB\x04\0\0\0\x02\0\0\0",
        b"del:\x04\0\0\0gone\x01\0\0\x009RMB\x04\0\0\0\x01\0\0\0",
        b"set:\x04\0\0\0kept\x01\0\0\0y\x02\0\0\x0010",
    ];
    assert_eq!(scripts.notifications(), expected);
    assert_eq!(scripts.hash(), hash(&[("=kind", "set"), ("=rev", "10"), ("a", "2"), ("kept", "y")]));
}

#[test]
fn a_step_whose_condition_does_not_hold_leaves_the_others_alone() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let given = [("=kind", "set"), ("=rev", "7"), ("a", "1"), ("b", "2"), ("c", "3")];
    scripts.given(&given);
    let if_absent = |name: &str| KeyOperation::SetIfNotExists { key: key(name), value: bytes("first") };
    let swap = |name: &str, test: &str| KeyOperation::TestAndSet {
        key: key(name),
        test: bytes(test),
        value: bytes("swapped"),
    };
    let drop_if = |name: &str, test: &str| KeyOperation::TestAndDelete { key: key(name), test: bytes(test) };
    let missed =
        vec![if_absent("a"), swap("b", "1"), drop_if("c", "4"), swap("missing", ""), drop_if("missing", "")];
    assert_eq!(scripts.write(&plain(batch(missed.clone()))), Ok(batched(true, Some(7), 0, None)));
    scripts.expect_silence("no condition held");
    assert_eq!(scripts.hash(), hash(&given));

    // Each step sees the effect of the steps before it.
    let met = vec![put("a", "x"), drop_if("a", "x"), if_absent("a"), swap("b", "2"), drop_if("c", "3")];
    let steps = [missed, met].concat();
    assert_eq!(scripts.write(&plain(batch(steps))), Ok(batched(true, Some(10), 3, None)));
    let held = [("=kind", "del"), ("=rev", "10"), ("a", "first"), ("b", "swapped")];
    assert_eq!(scripts.hash(), hash(&held));
}

#[test]
fn a_batch_that_creates_the_hash_says_so_once() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let written = scripts.write(&plain(batch(vec![put("a", "1"), put("b", "2")]))).unwrap();
    let published = scripts.notifications();
    let tags: Vec<(bool, u32)> = published
        .iter()
        .map(|payload| Notification::decode(payload).unwrap())
        .map(|notification| (notification.born, notification.remaining))
        .collect();
    assert_eq!(tags, [(true, 1), (false, 0)]);
    assert!(published[0].ends_with(b"RMN\0\0\0\0B\x04\0\0\0\x01\0\0\0"));
    assert_eq!(Notification::decode(&published[1]).unwrap().revision, written.revision.unwrap());
}

#[test]
fn nothing_changed_is_nothing_published() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    for (fields, revision) in [(&[("=kind", "set"), ("=rev", "7"), ("k", "v")][..], Some(7)), (&[], None)] {
        scripts.given(fields);
        let before = scripts.hash();
        let steps = vec![put("new", "x"), drop("new"), drop("missing")];
        for handle in [plain, absolute, sliding] {
            let written = scripts.write(&handle(batch(steps.clone())));
            assert_eq!(written, Ok(batched(true, revision, 0, None)));
            assert_eq!(scripts.hash(), before);
        }
        assert!(scripts.pttl() < 0);
        scripts.expect_silence("no net change");
    }
}

#[test]
fn the_first_precondition_that_fails_is_told() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    scripts.given(&[("=kind", "set"), ("=rev", "7"), ("k", "v")]);
    let rules = |rules: &[Precondition]| {
        plain(Operation::Batch(BatchOperation::new(rules.to_vec(), vec![put("k", "w")])))
    };
    let (equals, other) = (
        Precondition::Equals { key: key("k"), value: bytes("v") },
        Precondition::Equals { key: key("missing"), value: bytes("") },
    );
    let absent = Precondition::Absent { key: key("k") };
    let revision = |number| Precondition::Revision(Revision::new(number));
    for (rule, failed) in [
        (&[equals.clone(), revision(7), other.clone()][..], 2),
        (&[absent.clone(), other], 0),
        (&[equals.clone(), absent], 1),
        (&[revision(8)], 0),
        (&[Precondition::Revision(None)], 0),
    ] {
        assert_eq!(scripts.write(&rules(rule)), Ok(batched(false, Some(7), 0, Some(failed))), "{rule:?}");
        scripts.expect_silence("not applied");
    }
    assert!(scripts.write(&rules(&[equals, revision(7)])).unwrap().applied);
}

#[test]
fn the_revision_must_have_room_for_every_key() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let full = [("=kind", "set"), ("=rev", "99999999999997")];
    scripts.given(&full);
    let three = plain(batch(vec![put("a", ""), put("b", ""), put("c", "")]));
    assert_eq!(scripts.write(&three), Err(WriteError::RevisionsExhausted));
    assert_eq!(scripts.hash(), hash(&full));
    scripts.expect_silence("exhausted");
    let two = plain(batch(vec![put("a", ""), put("b", "")]));
    assert_eq!(scripts.write(&two), Ok(batched(true, Some(99_999_999_999_999), 2, None)));
}

#[test]
fn the_largest_batch_fits_and_one_more_does_not() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let steps: Vec<KeyOperation> = (0..2500).map(|number| put(&format!("k{number}"), "v")).collect();
    let rules = |rules: &[&str]| rules.iter().map(|&name| Precondition::Absent { key: key(name) }).collect();
    let names: Vec<String> = (0..2500).map(|number| format!("other{number}")).collect();
    let preconditions: Vec<Precondition> = rules(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let largest = BatchOperation::new(preconditions, steps);
    let written = scripts.write(&plain(Operation::Batch(largest.clone()))).unwrap();
    assert_eq!(written.batch.unwrap().changed, 2500);
    assert_eq!(scripts.notifications().len(), 2500);
    let mut more = largest;
    more.steps.push(put("one more", ""));
    assert_eq!(
        rmap_proto::script::write(&scripts.map, &plain(Operation::Batch(more))),
        Err(WriteError::TooManySteps { count: 2501 })
    );
}

/// Runs a batch on the server and in the model, with a list `l` of this many bytes.
fn both(
    scripts: &mut Scripts,
    list_bytes: usize,
    steps: Vec<KeyOperation>,
) -> Result<BatchReply, WriteError> {
    let list = format!("[\"{}\"]", "x".repeat(list_bytes - 4));
    let write = plain(batch(steps));
    scripts.given(&[("=kind", "set"), ("=rev", "7"), ("l", &list)]);
    let written = scripts.write(&write).map(|written| written.batch.unwrap());
    scripts.notifications();
    let mut model = Authority::new();
    model.write(1, &plain(Operation::Key(KeyOperation::Set { key: key("l"), value: bytes(&list) }))).unwrap();
    let modelled = model.write(2, &write).map(|(written, _)| written.batch.unwrap());
    assert_eq!(written, modelled);
    written
}

/// Exact to the byte, and equal in the model, which serves the tests without a server.
#[test]
fn the_bounds_of_a_batch_are_exact() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let sets = |bytes: usize| vec![put("a", &"x".repeat((8 << 20) - 1)), put("b", &"x".repeat(bytes - 1))];
    let mixed = |bytes: usize| [sets(bytes - 1), vec![drop("l")]].concat();
    assert_eq!(both(&mut scripts, 9, sets(8 << 20)).map(|batch| batch.changed), Ok(2));
    assert_eq!(both(&mut scripts, 9, sets((8 << 20) + 1)), Err(WriteError::BatchTooLarge));
    assert_eq!(both(&mut scripts, 9, mixed(8 << 20)).map(|batch| batch.changed), Ok(3));
    assert_eq!(both(&mut scripts, 9, mixed((8 << 20) + 1)), Err(WriteError::BatchTooLarge));
}

#[test]
fn memory_that_is_full_refuses_all_but_deletes() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    let held = [("=kind", "set"), ("=rev", "7"), ("a", "1"), ("b", "2"), ("c", "3")];
    scripts.given(&held);
    scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = scripts.write(&plain(batch(vec![drop("a"), put("new", "x")]))).unwrap_err();
    assert!(matches!(&error, WriteError::Rejected(cause) if cause.code == "OOM"), "{error}");
    assert_eq!(scripts.hash(), hash(&held));
    scripts.expect_silence("out of memory");
    assert!(scripts.write(&plain(batch(vec![drop("a"), drop("b")]))).unwrap().applied);
    assert_eq!(scripts.hash(), hash(&[("=kind", "del"), ("=rev", "9"), ("c", "3")]));
}

/// The hash could vanish for a moment with its last field, and its time to live with it.
#[test]
fn deleting_every_field_keeps_the_time_to_live() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "batch");
    scripts.given(&[("a", "1"), ("b", "2")]);
    scripts.expire(10_000_000);
    let deadline = scripts.deadline();
    scripts.write(&plain(batch(vec![drop("a"), drop("b")]))).unwrap();
    assert_eq!(scripts.deadline(), deadline);
}
