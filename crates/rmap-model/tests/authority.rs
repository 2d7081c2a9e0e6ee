//! Properties of the model that a comparison with a real server cannot show, because it would have to wait.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use rmap_model::Authority;
use rmap_proto::{
    Key, KeyOperation, Mark, Notification, Operation, Read, ReadReply, Replication, Revision, Ttl, TtlMillis,
    Write, WriteError, WriteReply,
};

const NOW: u64 = 1_700_000_000_000;

fn set(key: &str, value: &str) -> Operation {
    Operation::Key(KeyOperation::Set {
        key: Key::new(key).unwrap(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    })
}

fn ttl(kind: fn(TtlMillis) -> Ttl, millis: u64) -> Ttl {
    kind(TtlMillis::new(Duration::from_millis(millis)).unwrap())
}

fn write(authority: &mut Authority, now: u64, operation: Operation, ttl: Ttl) -> WriteReply {
    authority.write(now, &Write::new(operation, ttl)).unwrap().0
}

fn left(authority: &Authority, now: u64) -> Option<u64> {
    authority.ttl(now).map(|ttl| u64::try_from(ttl.as_millis()).unwrap())
}

#[test]
fn a_hash_lives_through_its_last_millisecond() {
    let mut authority = Authority::new();
    write(&mut authority, NOW, set("k", "v"), ttl(Ttl::Absolute, 10));
    authority.advance(NOW + 10);
    assert!(authority.exists());
    authority.advance(NOW + 11);
    assert!(!authority.exists());
    assert_eq!(authority.ttl(NOW + 11), None);
}

/// After expiry the next write begins a new life, at a later revision.
#[test]
fn a_new_life_begins_at_the_clock() {
    let mut authority = Authority::new();
    let first = write(&mut authority, NOW, set("k", "v"), ttl(Ttl::Absolute, 10));
    let (second, published) = authority.write(NOW + 50, &Write::new(set("a", "b"), Ttl::None)).unwrap();
    assert_eq!((first.revision, second.revision), (Revision::new(NOW), Revision::new(NOW + 50)));
    assert!(Notification::decode(&published[0]).unwrap().born);
    assert_eq!(authority.fields().len(), 3);
    assert_eq!(authority.ttl(NOW + 50), None);
}

#[test]
fn an_absolute_time_to_live_is_set_once() {
    let mut authority = Authority::new();
    write(&mut authority, NOW, set("k", "v"), ttl(Ttl::Absolute, 100));
    write(&mut authority, NOW + 30, set("k", "w"), ttl(Ttl::Absolute, 100));
    assert_eq!(left(&authority, NOW + 30), Some(70));
    write(&mut authority, NOW + 40, Operation::Reset, ttl(Ttl::Absolute, 100));
    assert_eq!(left(&authority, NOW + 40), Some(60));
    authority.persist();
    write(&mut authority, NOW + 50, set("k", "w"), ttl(Ttl::Absolute, 100));
    assert_eq!(left(&authority, NOW + 50), Some(100));
}

#[test]
fn a_reset_in_the_last_moment_leaves_a_millisecond() {
    let mut authority = Authority::new();
    write(&mut authority, NOW, set("k", "v"), ttl(Ttl::Absolute, 10));
    write(&mut authority, NOW + 10, Operation::Reset, Ttl::None);
    assert_eq!(left(&authority, NOW + 10), Some(1));
}

#[test]
fn a_sliding_time_to_live_is_started_by_applied_writes_only() {
    let mut authority = Authority::new();
    let sliding = ttl(Ttl::Sliding, 100);
    write(&mut authority, NOW, set("k", "v"), sliding);
    let missed =
        Operation::Key(KeyOperation::SetIfNotExists { key: Key::new("k").unwrap(), value: Bytes::new() });
    assert!(!write(&mut authority, NOW + 20, missed, sliding).applied);
    assert_eq!(left(&authority, NOW + 20), Some(80));
    write(&mut authority, NOW + 30, Operation::Destroy, sliding);
    assert_eq!(left(&authority, NOW + 30), Some(100));
}

#[test]
fn changes_behind_the_map_make_no_revision() {
    let mut authority = Authority::new();
    authority.hset("k", "v");
    authority.hset("=rev", "41");
    authority.expire(NOW, Duration::from_secs(1));
    assert_eq!(left(&authority, NOW), Some(1000));
    let written = write(&mut authority, NOW, set("k", "w"), Ttl::None);
    assert_eq!((written.revision, written.previous), (Revision::new(42), Some("v".into())));
    for field in ["=rev", "=kind", "k"] {
        assert!(authority.hdel(field));
        assert!(!authority.hdel(field));
    }
    assert!(!authority.exists() && authority.ttl(NOW).is_none());
    authority.expire(NOW, Duration::from_secs(1));
    assert_eq!(authority.ttl(NOW), None, "there is no hash to expire");
}

#[test]
fn a_failed_write_changes_nothing() {
    let mut authority = Authority::new();
    authority.hset("=rev", "99999999999999");
    authority.hset("n", "05");
    let before = authority.fields();
    let inc = |key| Operation::Key(KeyOperation::Inc { key: Key::new(key).unwrap(), delta: 1 });
    let cases = [
        (set("k", "v"), WriteError::RevisionsExhausted),
        (inc("missing"), WriteError::RevisionsExhausted),
        (inc("n"), WriteError::NotAnInteger),
        (Operation::TestAndReset { tests: Vec::new() }, WriteError::NoTests),
    ];
    for (operation, error) in cases {
        assert_eq!(authority.write(NOW, &Write::new(operation, ttl(Ttl::Sliding, 9))), Err(error));
        assert_eq!((authority.fields(), authority.ttl(NOW)), (before.clone(), None));
    }
}

/// No life begins at a clock beyond the last revision. At a clock before its epoch a life begins at revision 1.
#[test]
fn a_life_begins_at_the_clock_within_the_revisions() {
    let operations = [set("k", "v"), Operation::Reset, Operation::Destroy];
    for (now, first) in [
        (0, Some(1)),
        (1, Some(1)),
        (Revision::LIMIT - 1, Some(Revision::LIMIT - 1)),
        (Revision::LIMIT, None),
        (u64::MAX, None),
    ] {
        for operation in &operations {
            let mut authority = Authority::new();
            let outcome = authority.write(now, &Write::new(operation.clone(), Ttl::None));
            match first {
                Some(first) => assert_eq!(outcome.unwrap().0.revision, Revision::new(first)),
                None => {
                    assert_eq!(outcome.unwrap_err(), WriteError::RevisionsExhausted);
                    assert!(!authority.exists());
                }
            }
        }
    }
}

#[test]
fn reads_expire_the_hash_too() {
    let mut authority = Authority::new();
    authority.set_replication_id(Some("0af3".into()));
    write(&mut authority, NOW, set("k", "v"), ttl(Ttl::Absolute, 10));
    let mark = Mark::new(Bytes::new(), 1);
    let Ok(ReadReply::Probe(probe)) = authority.read(NOW + 11, &Read::Probe { mark }) else {
        panic!("no probe")
    };
    assert_eq!((probe.revision, probe.fields, probe.ttl), (None, 0, None));
    // A write, and the expiry.
    assert_eq!(probe.replication, Some(Replication::new("0af3".into(), 2)));
    assert_eq!(probe.clock, Some(NOW + 11));
}

proptest! {
    /// However pages and changes alternate, a scan returns every field that exists throughout.
    #[test]
    fn a_scan_returns_what_is_there_throughout(
        stable in prop::collection::btree_set("[a-z]{1,4}", 0..40),
        changes in prop::collection::vec(("[A-Z]{1,2}", any::<bool>()), 0..60),
        count in 0..9u64,
    ) {
        let mut authority = Authority::new();
        stable.iter().for_each(|field| authority.hset(field, "v"));
        let mut changes = changes.into_iter();
        let (mut cursor, mut found) = (0, BTreeSet::new());
        loop {
            let Ok(ReadReply::Page(page)) = authority.read(NOW, &Read::Page { cursor, count }) else {
                panic!("not a page");
            };
            prop_assert!(page.entries.content.len() as u64 <= count.max(1));
            found.extend(page.entries.content.into_iter().map(|(field, _)| field));
            cursor = page.cursor;
            if cursor == 0 {
                break;
            }
            for (field, add) in changes.by_ref().take(3) {
                if add {
                    authority.hset(&field, "x");
                } else {
                    authority.hdel(&field);
                }
            }
        }
        for field in &stable {
            prop_assert!(found.contains(field.as_bytes()), "{field} is missing");
        }
    }

    /// Each applied write publishes one notification, other writes publish none, and revisions have no gap.
    #[test]
    fn each_applied_write_publishes_once(keys in prop::collection::vec(("[a-c]", any::<bool>()), 1..60)) {
        let mut authority = Authority::new();
        let mut last: Option<Revision> = None;
        for (key, deletes) in keys {
            let operation = if deletes { Operation::Key(KeyOperation::Delete { key: Key::new(&key).unwrap() }) } else { set(&key, "v") };
            let (written, published) = authority.write(NOW, &Write::new(operation, Ttl::None)).unwrap();
            prop_assert_eq!(published.len(), usize::from(written.applied));
            if written.applied {
                let notification = Notification::decode(&published[0]).unwrap();
                prop_assert_eq!(Some(notification.revision), written.revision);
                prop_assert_eq!(notification.born, last.is_none());
                prop_assert!(last.is_none_or(|last| notification.revision.follows(last)));
            } else {
                prop_assert_eq!(written.revision, last);
            }
            last = written.revision;
        }
    }
}
