//! The time to live of the hash: writes that set it, restart it, or leave it alone.

use integration_tests::Server;
use rmap_proto::{KeyOperation, Operation, Write};

use crate::{absolute, bytes, delete, every_operation, key, plain, set, sliding};
use integration_tests::Scripts;

/// Ranges far apart, so that the duration of a test does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    NoHash,
    Never,
    ByHand,
    Absolute,
    Sliding,
}

const BY_HAND_MS: u64 = 10_000_000;

fn left(scripts: &mut Scripts) -> Left {
    match scripts.pttl() {
        -2 => Left::NoHash,
        -1 => Left::Never,
        0..=10_000_000 => Left::ByHand,
        10_000_001..=100_000_000 => Left::Absolute,
        _ => Left::Sliding,
    }
}

/// Creates the hash before the operation, with a time to live by hand or none.
fn prepare(scripts: &mut Scripts, value: &str, before: Left) {
    scripts.given(&[("=rev", "7"), ("k", value)]);
    if before == Left::ByHand {
        scripts.expire(BY_HAND_MS);
    }
}

#[test]
fn applied_writes_set_the_time_to_live_of_their_handle() {
    type Handle = fn(Operation) -> Write;
    let cases: [(Handle, Left, Left); 6] = [
        (plain, Left::Never, Left::Never),
        (plain, Left::ByHand, Left::ByHand),
        (absolute, Left::Never, Left::Absolute),
        (absolute, Left::ByHand, Left::ByHand),
        (sliding, Left::Never, Left::Sliding),
        (sliding, Left::ByHand, Left::Sliding),
    ];
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "ttl");
    for (value, operation) in every_operation() {
        for (handle, before, after) in cases {
            prepare(&mut scripts, value, before);
            let write = handle(operation.clone());
            assert!(scripts.write(&write).unwrap().applied);
            assert_eq!(left(&mut scripts), after, "{write:?} on {before:?}");
        }
    }
}

#[test]
fn writes_that_are_not_applied_leave_it_alone() {
    let items = || vec!["x".to_owned()];
    let operations = [
        Operation::Key(KeyOperation::SetIfNotExists { key: key("k"), value: bytes("v") }),
        Operation::Key(KeyOperation::TestAndSet { key: key("k"), test: bytes("no"), value: bytes("v") }),
        delete("missing"),
        Operation::Key(KeyOperation::TestAndDelete { key: key("k"), test: bytes("no") }),
        Operation::Key(KeyOperation::AppendValues { key: key("k"), items: Vec::new() }),
        Operation::Key(KeyOperation::AppendUniqueValues { key: key("k"), items: items() }),
        Operation::Key(KeyOperation::RemoveValues { key: key("missing"), items: items() }),
        Operation::TestAndReset { tests: vec![(key("k"), bytes("no"))] },
    ];
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "ttl");
    for operation in operations {
        for handle in [plain, absolute, sliding] {
            for before in [Left::Never, Left::ByHand] {
                prepare(&mut scripts, "x", before);
                let deadline = scripts.deadline();
                let write = handle(operation.clone());
                assert!(!scripts.write(&write).unwrap().applied, "{write:?}");
                assert_eq!(scripts.deadline(), deadline, "{write:?} on {before:?}");
            }
        }
    }
    scripts.expect_silence("at the end");
}

#[test]
fn a_new_hash_gets_the_time_to_live_of_its_creator() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "ttl");
    for operation in [set("k", "v"), Operation::Reset, Operation::Destroy] {
        for (handle, after) in [
            (plain as fn(Operation) -> Write, Left::Never),
            (absolute, Left::Absolute),
            (sliding, Left::Sliding),
        ] {
            scripts.delete_hash();
            scripts.write(&handle(operation.clone())).unwrap();
            assert_eq!(left(&mut scripts), after, "{operation:?}");
        }
    }
    scripts.delete_hash();
    scripts.write(&sliding(delete("k"))).unwrap();
    assert_eq!(left(&mut scripts), Left::NoHash);
}

/// A hash filled by hand could vanish with its only field in the middle of the script, and its time to live with it.
#[test]
fn deleting_the_only_field_of_a_hash_filled_by_hand_keeps_its_deadline() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "ttl");
    for handle in [plain, absolute] {
        scripts.given(&[("k", "v")]);
        scripts.expire(BY_HAND_MS);
        let deadline = scripts.deadline();
        assert!(scripts.write(&handle(delete("k"))).unwrap().applied);
        assert_eq!(scripts.deadline(), deadline);
    }
}
