//! Groups: literal bytes, and refusals that leave no trace. The differential test compares the meaning of the writes
//! with the model.

use integration_tests::Server;
use rmap_proto::{KeyOperation, Notification, Operation, Ttl, Write, WriteError};

use crate::{absolute, applied, bytes, delete, hash, inc, key, not_applied, plain, set, sliding};
use integration_tests::Scripts;

type Handle = fn(Operation) -> Write;

fn set_if_not_exists(name: &str, value: &str) -> Operation {
    Operation::Key(KeyOperation::SetIfNotExists { key: key(name), value: bytes(value) })
}

fn test_and_set(name: &str, test: &str, value: &str) -> Operation {
    Operation::Key(KeyOperation::TestAndSet { key: key(name), test: bytes(test), value: bytes(value) })
}

fn test_and_delete(name: &str, test: &str) -> Operation {
    Operation::Key(KeyOperation::TestAndDelete { key: key(name), test: bytes(test) })
}

/// Every kind of write that can be grouped, each applied, on the hash of [`GIVEN`].
fn every_kind() -> Vec<Operation> {
    vec![
        set("a", "A"),
        set_if_not_exists("b", "B"),
        test_and_set("c", "2", "C"),
        delete("d"),
        test_and_delete("e", "4"),
        inc("n", -3),
    ]
}

const GIVEN: &[(&str, &str)] =
    &[("=kind", "reset"), ("=rev", "7"), ("c", "2"), ("d", "3"), ("e", "4"), ("n", "5")];

#[test]
fn each_write_has_its_own_revision_outcome_and_notification() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    scripts.given(GIVEN);
    let outcomes = scripts.group(Ttl::None, &every_kind()).unwrap();
    let expected = [
        applied(8, None, None),
        applied(9, None, None),
        applied(10, Some("2"), None),
        applied(11, Some("3"), None),
        applied(12, Some("4"), None),
        applied(13, Some("5"), Some("2")),
    ];
    assert_eq!(outcomes, expected);
    let published: [&[u8]; 6] = [
        b"set:\x01\0\0\0a\x01\0\0\0A\x01\0\0\x008",
        b"set:\x01\0\0\0b\x01\0\0\0B\x01\0\0\x009",
        b"set:\x01\0\0\0c\x01\0\0\0C\x02\0\0\x0010",
        b"del:\x01\0\0\0d\x02\0\0\x0011",
        b"del:\x01\0\0\0e\x02\0\0\x0012",
        b"set:\x01\0\0\0n\x01\0\0\x002\x02\0\0\x0013",
    ];
    assert_eq!(scripts.notifications(), published);
    let after = [("=kind", "set"), ("=rev", "13"), ("a", "A"), ("b", "B"), ("c", "C"), ("n", "2")];
    assert_eq!(scripts.hash(), hash(&after));
}

#[test]
fn a_write_that_does_not_apply_or_fails_harms_no_other() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let given = [("=kind", "set"), ("=rev", "7"), ("n", "x"), ("max", "9223372036854775807"), ("k", "v")];
    scripts.given(&given);
    let operations = [
        delete("missing"),
        inc("n", 1),
        set_if_not_exists("k", "w"),
        inc("fresh", 4),
        inc("max", 1),
        test_and_set("k", "w", "x"),
        test_and_delete("k", "w"),
        delete("k"),
    ];
    let expected = [
        not_applied(Some(7), None, None),
        Err(WriteError::NotAnInteger),
        not_applied(Some(7), Some("v"), None),
        applied(8, None, Some("4")),
        Err(WriteError::Overflow),
        not_applied(Some(8), Some("v"), None),
        not_applied(Some(8), Some("v"), None),
        applied(9, Some("v"), None),
    ];
    assert_eq!(scripts.group(Ttl::None, &operations).unwrap(), expected);
    assert_eq!(scripts.notifications().len(), 2);
    let after = [("=kind", "del"), ("=rev", "9"), ("n", "x"), ("max", "9223372036854775807"), ("fresh", "4")];
    assert_eq!(scripts.hash(), hash(&after));
}

#[test]
fn later_writes_see_earlier_ones_of_their_key() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    scripts.given(&[("=kind", "set"), ("=rev", "7"), ("gone", "1")]);
    let operations = [
        inc("n", 1),
        inc("n", 1),
        set("k", "a"),
        test_and_set("k", "a", "b"),
        delete("k"),
        set_if_not_exists("k", "c"),
        delete("gone"),
        delete("gone"),
        test_and_delete("k", "c"),
        delete("k"),
    ];
    let expected = [
        applied(8, None, Some("1")),
        applied(9, Some("1"), Some("2")),
        applied(10, None, None),
        applied(11, Some("a"), None),
        applied(12, Some("b"), None),
        applied(13, None, None),
        applied(14, Some("1"), None),
        not_applied(Some(14), None, None),
        applied(15, Some("c"), None),
        not_applied(Some(15), None, None),
    ];
    assert_eq!(scripts.group(Ttl::None, &operations).unwrap(), expected);
    assert_eq!(scripts.notifications().len(), 8);
    assert_eq!(scripts.hash(), hash(&[("=kind", "del"), ("=rev", "15"), ("n", "2")]));
}

#[test]
fn sixty_four_counts_of_one_key_are_all_told_apart() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    scripts.given(&[("=rev", "99")]);
    let outcomes = scripts.group(Ttl::None, &vec![inc("n", 1); 64]).unwrap();
    for (number, outcome) in (1..).zip(outcomes) {
        let before = (number > 1).then(|| (number - 1).to_string());
        assert_eq!(outcome, applied(99 + number, before.as_deref(), Some(&number.to_string())));
    }
    assert_eq!(scripts.hash(), hash(&[("=kind", "set"), ("=rev", "163"), ("n", "64")]));
    assert_eq!(scripts.notifications().len(), 64);
}

#[test]
fn a_group_that_creates_the_hash_says_so_with_its_first_change() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let before = scripts.time();
    let outcomes = scripts.group(Ttl::None, &[delete("k"), inc("n", 1), set("k", "v")]).unwrap();
    assert_eq!(outcomes[0], not_applied(None, None, None));
    let first = outcomes[1].as_ref().unwrap().revision.unwrap().get();
    assert!((before..=scripts.time()).contains(&first));
    assert_eq!(outcomes[2], applied(first + 1, None, None));
    let published = scripts.notifications();
    let tags: Vec<_> = published.iter().map(|payload| Notification::decode(payload).unwrap()).collect();
    assert_eq!(tags.iter().map(|tag| (tag.born, tag.remaining)).collect::<Vec<_>>(), [(true, 0), (false, 0)]);
}

#[test]
fn a_hash_filled_by_hand_counts_from_the_clock() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    for given in [&[("k", "v")][..], &[("other", "v")], &[("=kind", "set")]] {
        scripts.given(given);
        let before = scripts.time();
        let outcomes = scripts.group(Ttl::None, &[delete("missing"), set("a", "1")]).unwrap();
        assert_eq!(outcomes[0], not_applied(Some(0), None, None));
        assert!(outcomes[1].as_ref().unwrap().revision.unwrap().get() >= before);
        assert!(!Notification::decode(&scripts.notifications()[0]).unwrap().born);
    }
}

#[test]
fn the_time_to_live_is_that_of_single_writes() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    const BY_HAND_MS: u64 = 10_000_000;
    for handle in [plain, absolute, sliding] {
        let ttl = handle(delete("k")).ttl;
        for operations in [vec![set("k", "w"), delete("k")], vec![delete("k"), delete("l")]] {
            for fields in [&[("=rev", "7"), ("k", "v"), ("l", "v")][..], &[("k", "v"), ("l", "v")]] {
                for expires in [false, true] {
                    let given = |scripts: &mut Scripts| {
                        scripts.given(fields);
                        if expires {
                            scripts.expire(BY_HAND_MS);
                        }
                    };
                    given(&mut scripts);
                    for operation in &operations {
                        scripts.write(&handle(operation.clone())).unwrap();
                    }
                    let alone = scripts.pttl();
                    given(&mut scripts);
                    scripts.group(ttl, &operations).unwrap();
                    // The times to live are far apart: none, by hand, absolute, sliding.
                    assert!(scripts.pttl().abs_diff(alone) < BY_HAND_MS / 10, "{ttl:?} {operations:?}");
                }
            }
        }
    }
}

/// A hash that was filled by hand could vanish with its last field in the middle of the script, and its time to live
/// with it.
#[test]
fn deleting_all_fields_of_a_hash_filled_by_hand_keeps_its_deadline() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    scripts.given(&[("k", "v"), ("l", "v")]);
    scripts.expire(10_000_000);
    let deadline = scripts.deadline();
    scripts.group(Ttl::None, &[delete("k"), delete("l")]).unwrap();
    assert_eq!(scripts.deadline(), deadline);
}

#[test]
fn nothing_applied_is_nothing_written() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let ttl = sliding(delete("k")).ttl;
    for given in [&[][..], &[("k", "v")], &[("=rev", "7"), ("k", "v")]] {
        scripts.given(given);
        let operations = [set_if_not_exists("k", "w"), delete("missing")];
        let operations = if given.is_empty() { &operations[1..] } else { &operations[..] };
        scripts.group(ttl, operations).unwrap();
        assert_eq!(scripts.hash(), hash(given));
        assert!(scripts.pttl() < 0);
    }
    scripts.expect_silence("at the end");
}

/// The rights of each kind of write. If one is missing, a group with such a write must leave no trace.
#[test]
fn a_missing_right_refuses_the_group_without_a_trace() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let cases: [(&str, Handle); 6] = [
        ("-hmget", plain),
        ("-hset", plain),
        ("-hdel", plain),
        ("-pexpire", sliding),
        ("-pttl", absolute),
        ("-publish", absolute),
    ];
    for (right, handle) in cases {
        scripts.log_in(&["+@all", "~*", "&*", right]);
        scripts.given(GIVEN);
        scripts.expire(10_000_000);
        let deadline = scripts.deadline();
        let error = scripts.group(handle(delete("k")).ttl, &every_kind()).unwrap_err();
        assert!(matches!(error, WriteError::Rejected(_)), "{right}: {error}");
        assert_eq!((scripts.hash(), scripts.deadline()), (hash(GIVEN), deadline), "{right}");
    }
    scripts.log_in(&["+@all", "~*", "resetchannels", "&map:other:*"]);
    let error = scripts.group(Ttl::None, &every_kind()).unwrap_err();
    assert!(matches!(&error, WriteError::Rejected(error) if error.message.contains("channel")), "{error}");
    assert_eq!(scripts.hash(), hash(GIVEN));
    scripts.expect_silence("at the end");
}

/// A write that needs a right alone also needs it in a group, even if the group's result does not show the write.
#[test]
fn rights_are_those_of_the_single_writes() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let operations = [set("k", "v"), delete("k"), set("k", "w")];
    scripts.log_in(&["+@all", "~*", "&*", "-hdel"]);
    scripts.given(&[("=rev", "7")]);
    assert!(matches!(scripts.group(Ttl::None, &operations), Err(WriteError::Rejected(_))));
    assert!(scripts.group(Ttl::None, &[set("k", "v"), delete("missing")]).is_ok());
}

#[test]
fn full_memory_refuses_a_group_that_adds_and_lets_deletes_pass() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let deletes = [delete("d"), test_and_delete("e", "4"), delete("d")];
    let full = |scripts: &mut Scripts, most: &str| scripts.command(&["CONFIG", "SET", "maxmemory", most]);
    // A key that is set and deleted again needs memory alone, too.
    for operations in [every_kind(), vec![set("new", "v"), delete("new")]] {
        scripts.given(GIVEN);
        full(&mut scripts, "1");
        let error = scripts.group(Ttl::None, &operations).unwrap_err();
        assert!(matches!(&error, WriteError::Rejected(error) if error.code == "OOM"), "{error}");
        assert_eq!(scripts.hash(), hash(GIVEN));
        full(&mut scripts, "0");
    }
    scripts.expect_silence("when refused");
    for handle in [plain, absolute, sliding] {
        scripts.given(GIVEN);
        full(&mut scripts, "1");
        let outcomes = scripts.group(handle(delete("d")).ttl, &deletes).unwrap();
        full(&mut scripts, "0");
        let expected =
            [applied(8, Some("3"), None), applied(9, Some("4"), None), not_applied(Some(9), None, None)];
        assert_eq!(outcomes, expected);
        assert_eq!(scripts.notifications().len(), 2);
        assert_eq!(scripts.hash(), hash(&[("=kind", "del"), ("=rev", "9"), ("c", "2"), ("n", "5")]));
    }
}

/// A counter that cannot be added to is refused without memory or a master, alone and in a group.
#[test]
fn what_a_value_refuses_comes_before_what_refuses_any_write() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    let given = [("=kind", "set"), ("=rev", "7"), ("d", "v"), ("max", "9223372036854775807"), ("x", "text")];
    scripts.given(&given);
    let cases: [(&str, &[&str]); 2] =
        [("OOM", &["CONFIG", "SET", "maxmemory", "1"]), ("READONLY", &["REPLICAOF", "127.0.0.1", "1"])];
    let outcomes =
        [not_applied(Some(7), None, None), Err(WriteError::Overflow), Err(WriteError::NotAnInteger)];
    for (code, command) in cases {
        scripts.command(command);
        assert_eq!(scripts.write(&plain(inc("x", 1))), Err(WriteError::NotAnInteger));
        let operations = [delete("missing"), inc("max", 1), inc("x", 1)];
        assert_eq!(scripts.group(Ttl::None, &operations).unwrap(), outcomes);
        let error = scripts.group(Ttl::None, &[inc("x", 1), set("d", "w")]).unwrap_err();
        assert!(matches!(&error, WriteError::Rejected(error) if error.code == code), "{error}");
        scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
    }
    scripts.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(scripts.hash(), hash(&given));
    scripts.expect_silence("when refused");
    let expected = [Err(WriteError::NotAnInteger), applied(8, Some("v"), None)];
    assert_eq!(scripts.group(Ttl::None, &[inc("x", 1), delete("d")]).unwrap(), expected);
}

/// A group that comes too near to the limit is refused. Its writes then go one by one, each with its own outcome.
#[test]
fn revisions_stay_below_the_limit() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    for (revision, writes, works) in
        [(99_999_999_999_997_u64, 2, true), (99_999_999_999_998, 2, false), (99_999_999_999_998, 1, true)]
    {
        let text = revision.to_string();
        scripts.given(&[("=rev", &text), ("x", "text")]);
        let operations: Vec<_> = (0..writes).map(|_| set("a", "1")).chain([inc("x", 1)]).collect();
        let outcome = scripts.group(Ttl::None, &operations);
        if works {
            assert_eq!(outcome.unwrap().last(), Some(&Err(WriteError::NotAnInteger)));
            assert_eq!(scripts.notifications().len(), writes);
            assert_eq!(scripts.hash()[&b"=rev"[..]], (revision + writes as u64).to_string());
        } else {
            assert_eq!(outcome, Err(WriteError::RevisionsExhausted));
            assert_eq!(scripts.hash(), hash(&[("=rev", &text), ("x", "text")]));
            scripts.expect_silence("when refused");
        }
    }
    scripts.given(&[("=rev", "99999999999999"), ("n", "5")]);
    assert_eq!(scripts.group(Ttl::None, &[inc("n", 1)]), Err(WriteError::RevisionsExhausted));
    assert_eq!(
        scripts.group(Ttl::None, &[delete("k")]).unwrap(),
        [not_applied(Some(99_999_999_999_999), None, None)]
    );
    scripts.expect_silence("at the end");
}

/// The texts of revisions change their length, and the number of digits decides how they are printed.
#[test]
fn revisions_are_told_in_plain_decimal_at_every_length() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    for digits in 1..=13 {
        let below = 10_u64.pow(digits) - 1;
        scripts.given(&[("=rev", &below.to_string())]);
        scripts.group(Ttl::None, &[set("k", "v"), set("k", "v")]).unwrap();
        scripts.write(&plain(set("k", "v"))).unwrap();
        let published = scripts.notifications();
        let told: Vec<_> =
            published.iter().map(|payload| Notification::decode(payload).unwrap().revision.get()).collect();
        assert_eq!(told, [below + 1, below + 2, below + 3]);
        assert_eq!(scripts.hash()[&b"=rev"[..]], (below + 3).to_string());
    }
}

#[test]
fn a_corrupt_revision_or_another_type_stops_the_group() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "group");
    scripts.given(&[("=rev", "007"), ("k", "v")]);
    assert_eq!(scripts.group(Ttl::None, &[delete("missing")]), Err(WriteError::CorruptRevision));
    scripts.delete_hash();
    scripts.command(&["RPUSH", "map:group:content", "x"]);
    assert_eq!(scripts.group(Ttl::None, &[set("k", "v")]), Err(WriteError::WrongType));
    scripts.expect_silence("at the end");
}
