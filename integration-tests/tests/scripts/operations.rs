//! The effect of each operation: hit, miss, refusal, bad input.

use integration_tests::Server;
use rmap_proto::{KeyOperation, MAX_BATCH_STEPS, Notification, Operation, Revision, WriteError};

use crate::{
    applied, bytes, delete, every_operation, expect, expect_unchanged, hash, inc, key, not_applied, plain,
    set,
};
use integration_tests::Scripts;

#[test]
fn set_tells_the_previous_value() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "set");
    let at_6 = [("=kind", "del"), ("=rev", "6")];
    expect(
        &mut scripts,
        &at_6,
        set("color", "blue"),
        applied(7, None, None),
        &[b"set:\x05\0\0\0color\x04\0\0\0blue\x01\0\0\x007"],
        &[("=kind", "set"), ("=rev", "7"), ("color", "blue")],
    );
    expect(
        &mut scripts,
        &[("=kind", "set"), ("=rev", "9"), ("color", "blue"), ("size", "L")],
        set("color", ""),
        applied(10, Some("blue"), None),
        &[b"set:\x05\0\0\0color\0\0\0\0\x02\0\0\x0010"],
        &[("=kind", "set"), ("=rev", "10"), ("color", ""), ("size", "L")],
    );
    expect(
        &mut scripts,
        &[("=kind", "set"), ("=rev", "7"), ("color", "")],
        set("color", ""),
        applied(8, Some(""), None),
        &[b"set:\x05\0\0\0color\0\0\0\0\x01\0\0\x008"],
        &[("=kind", "set"), ("=rev", "8"), ("color", "")],
    );
}

#[test]
fn set_if_not_exists_only_sets_what_is_absent() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "set_if_not_exists");
    let operation = || Operation::Key(KeyOperation::SetIfNotExists { key: key("k"), value: bytes("v") });
    expect(
        &mut scripts,
        &[("=kind", "del"), ("=rev", "7")],
        operation(),
        applied(8, None, None),
        &[b"set:\x01\0\0\0k\x01\0\0\0v\x01\0\0\x008"],
        &[("=kind", "set"), ("=rev", "8"), ("k", "v")],
    );
    let held = [("=kind", "set"), ("=rev", "7"), ("k", "")];
    expect_unchanged(&mut scripts, &held, operation(), not_applied(Some(7), Some(""), None));
    let by_hand = [("k", "x")];
    expect_unchanged(&mut scripts, &by_hand, operation(), not_applied(Some(0), Some("x"), None));
}

#[test]
fn test_and_set_compares_every_byte() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "test_and_set");
    let operation = |test: &str| {
        Operation::Key(KeyOperation::TestAndSet { key: key("k"), test: bytes(test), value: bytes("new") })
    };
    let held = [("=kind", "set"), ("=rev", "7"), ("k", "old")];
    expect(
        &mut scripts,
        &held,
        operation("old"),
        applied(8, Some("old"), None),
        &[b"set:\x01\0\0\0k\x03\0\0\0new\x01\0\0\x008"],
        &[("=kind", "set"), ("=rev", "8"), ("k", "new")],
    );
    for other in ["", "ol", "old ", "OLD"] {
        expect_unchanged(&mut scripts, &held, operation(other), not_applied(Some(7), Some("old"), None));
    }
    let missing = [("=kind", "del"), ("=rev", "7")];
    expect_unchanged(&mut scripts, &missing, operation(""), not_applied(Some(7), None, None));
    expect_unchanged(&mut scripts, &[], operation(""), not_applied(None, None, None));
    expect(
        &mut scripts,
        &[("=rev", "7"), ("k", "")],
        operation(""),
        applied(8, Some(""), None),
        &[b"set:\x01\0\0\0k\x03\0\0\0new\x01\0\0\x008"],
        &[("=kind", "set"), ("=rev", "8"), ("k", "new")],
    );
}

#[test]
fn delete_of_a_missing_key_publishes_nothing() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "delete");
    expect(
        &mut scripts,
        &[("=kind", "set"), ("=rev", "7"), ("color", "blue")],
        delete("color"),
        applied(8, Some("blue"), None),
        &[b"del:\x05\0\0\0color\x01\0\0\x008"],
        &[("=kind", "del"), ("=rev", "8")],
    );
    let missing = [("=kind", "del"), ("=rev", "7"), ("size", "L")];
    expect_unchanged(&mut scripts, &missing, delete("color"), not_applied(Some(7), None, None));
    expect_unchanged(&mut scripts, &[("size", "L")], delete("color"), not_applied(Some(0), None, None));
    expect_unchanged(&mut scripts, &[], delete("color"), not_applied(None, None, None));
}

#[test]
fn test_and_delete_compares_every_byte() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "test_and_delete");
    let operation =
        |test: &str| Operation::Key(KeyOperation::TestAndDelete { key: key("k"), test: bytes(test) });
    let held = [("=kind", "set"), ("=rev", "7"), ("k", "old")];
    expect(
        &mut scripts,
        &held,
        operation("old"),
        applied(8, Some("old"), None),
        &[b"del:\x01\0\0\0k\x01\0\0\x008"],
        &[("=kind", "del"), ("=rev", "8")],
    );
    expect_unchanged(&mut scripts, &held, operation("other"), not_applied(Some(7), Some("old"), None));
    expect_unchanged(&mut scripts, &[("=rev", "7")], operation(""), not_applied(Some(7), None, None));
    expect_unchanged(&mut scripts, &[], operation(""), not_applied(None, None, None));
}

#[test]
fn inc_adds_exactly_in_64_bits() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "inc");
    expect(
        &mut scripts,
        &[("=kind", "del"), ("=rev", "7")],
        inc("n", -5),
        applied(8, None, Some("-5")),
        &[b"set:\x01\0\0\0n\x02\0\0\0-5\x01\0\0\x008"],
        &[("=kind", "set"), ("=rev", "8"), ("n", "-5")],
    );
    let sums = [
        ("0", 0, "0"),
        ("-3", 3, "0"),
        ("9007199254740993", 1, "9007199254740994"),
        ("9223372036854775806", 1, "9223372036854775807"),
        ("-9223372036854775807", -1, "-9223372036854775808"),
        ("-1", i64::MIN + 1, "-9223372036854775808"),
        ("-9223372036854775808", i64::MAX, "-1"),
    ];
    for (value, delta, sum) in sums {
        scripts.given(&[("=rev", "7"), ("n", value)]);
        assert_eq!(
            scripts.write(&plain(inc("n", delta))),
            applied(8, Some(value), Some(sum)),
            "{value} {delta}"
        );
        assert_eq!(scripts.hash()[&b"n"[..]], sum);
        scripts.notifications();
    }
}

#[test]
fn inc_refuses_what_hincrby_refuses() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "inc");
    let texts = [
        "",
        "+5",
        "05",
        " 5",
        "5 ",
        "5\n",
        "-0",
        "1.5",
        "1e3",
        "0x10",
        "abc",
        "٣",
        "9223372036854775808",
        "-9223372036854775809",
    ];
    for text in texts {
        let given = [("=kind", "set"), ("=rev", "7"), ("n", text)];
        expect_unchanged(&mut scripts, &given, inc("n", 1), Err(WriteError::NotAnInteger));
    }
    for (text, delta) in [("1", i64::MAX), ("9223372036854775807", 1), ("-1", i64::MIN), ("-2", i64::MIN + 1)]
    {
        let given = [("=kind", "set"), ("=rev", "7"), ("n", text)];
        expect_unchanged(&mut scripts, &given, inc("n", delta), Err(WriteError::Overflow));
    }
}

#[test]
fn reset_and_destroy_clear_and_keep_counting() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "reset");
    let given = [("=epoch", "x"), ("=kind", "set"), ("=rev", "8"), ("a", "1"), ("b", "2")];
    expect(
        &mut scripts,
        &given,
        Operation::Reset,
        applied(9, None, None),
        &[b"reset:9"],
        &[("=kind", "reset"), ("=rev", "9")],
    );
    expect(
        &mut scripts,
        &given,
        Operation::Destroy,
        applied(9, None, None),
        &[b"destroy:9"],
        &[("=kind", "destroy"), ("=rev", "9")],
    );
    // An empty map is cleared again, for processes that missed the first reset.
    expect(
        &mut scripts,
        &[("=kind", "reset"), ("=rev", "9")],
        Operation::Reset,
        applied(10, None, None),
        &[b"reset:10"],
        &[("=kind", "reset"), ("=rev", "10")],
    );
}

#[test]
fn test_and_reset_needs_every_pair_to_hold() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "test_and_reset");
    let operation = |tests: &[(&str, &str)]| Operation::TestAndReset {
        tests: tests.iter().map(|(name, test)| (key(name), bytes(test))).collect(),
    };
    let given = [("=kind", "set"), ("=rev", "8"), ("a", "1"), ("b", "")];
    expect(
        &mut scripts,
        &given,
        operation(&[("a", "1"), ("b", "")]),
        applied(9, None, None),
        &[b"reset:9"],
        &[("=kind", "reset"), ("=rev", "9")],
    );
    for tests in [&[("a", "1"), ("b", "2")][..], &[("a", ""), ("b", "")], &[("missing", "")]] {
        expect_unchanged(&mut scripts, &given, operation(tests), not_applied(Some(8), None, None));
    }
    expect_unchanged(&mut scripts, &[], operation(&[("a", "1")]), not_applied(None, None, None));
    expect_unchanged(&mut scripts, &given, operation(&[]), Err(WriteError::NoTests));
}

#[test]
fn test_and_reset_takes_as_many_tests_as_a_batch_has_steps() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "test_and_reset");
    scripts.given(&[("=rev", "8"), ("a", "1")]);
    let mut tests = vec![(key("a"), bytes("1")); MAX_BATCH_STEPS - 1];
    assert_eq!(
        scripts.write(&plain(Operation::TestAndReset { tests: tests.clone() })),
        applied(9, None, None)
    );
    tests.push((key("b"), bytes("")));
    assert_eq!(tests.len(), MAX_BATCH_STEPS);
    scripts.given(&[("=rev", "8"), ("a", "1")]);
    assert_eq!(scripts.write(&plain(Operation::TestAndReset { tests })), not_applied(Some(8), None, None));
}

/// A life of the hash begins at the clock, and the first notification marks the hash as new.
#[test]
fn a_new_hash_starts_at_the_clock_and_says_so() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "born");
    let items = || vec!["x".to_owned()];
    let operations = [
        set("k", "v"),
        Operation::Key(KeyOperation::SetIfNotExists { key: key("k"), value: bytes("v") }),
        inc("k", 1),
        Operation::Key(KeyOperation::AppendValues { key: key("k"), items: items() }),
        Operation::Key(KeyOperation::AppendUniqueValues { key: key("k"), items: items() }),
        Operation::Reset,
        Operation::Destroy,
    ];
    for operation in operations {
        for by_hand in [false, true] {
            scripts.given(if by_hand { &[("other", "x")] } else { &[] });
            let before = scripts.time();
            let revision = scripts.write(&plain(operation.clone())).unwrap().revision.unwrap();
            let after = scripts.time();
            assert!((before..=after).contains(&revision.get()), "{operation:?}");
            assert_eq!(scripts.hash()[&b"=rev"[..]], revision.to_string());
            let published = scripts.notifications();
            let notification = Notification::decode(&published[0]).unwrap();
            assert_eq!((published.len(), notification.revision), (1, revision));
            assert_eq!(notification.born, !by_hand && notification.key().is_some(), "{operation:?}");
        }
    }
}

#[test]
fn the_tag_of_a_new_hash_stands_after_the_revision() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "born");
    let revision = scripts.write(&plain(set("k", "v"))).unwrap().revision.unwrap().to_string();
    let payload =
        [&b"set:\x01\0\0\0k\x01\0\0\0v\x0d\0\0\0"[..], revision.as_bytes(), b"RMN\0\0\0\0"].concat();
    assert_eq!(scripts.notifications(), [payload]);
}

/// Deleting the only field of a hash filled by hand must not look like a new hash.
#[test]
fn a_hash_filled_by_hand_counts_from_the_clock() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "hand");
    scripts.given(&[("k", "v")]);
    let written = scripts.write(&plain(delete("k"))).unwrap();
    assert!(written.applied && written.revision > Some(Revision::ONE));
    assert!(!Notification::decode(&scripts.notifications()[0]).unwrap().born);
    let revision = written.revision.unwrap().to_string();
    assert_eq!(scripts.hash(), hash(&[("=kind", "del"), ("=rev", &revision)]));
}

#[test]
fn keys_and_values_are_bytes() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "{tag}:\u{fc}\\x");
    let every_byte: Vec<u8> = (0..=255).collect();
    let name: Vec<u8> = every_byte.iter().copied().filter(|&byte| byte != b'=').collect();
    let value = every_byte.repeat(4096);
    for value in [&every_byte[..], &value, b""] {
        let operation = Operation::Key(KeyOperation::Set {
            key: rmap_proto::Key::new(&name).unwrap(),
            value: bytes::Bytes::copy_from_slice(value),
        });
        scripts.write(&plain(operation)).unwrap();
        assert_eq!(scripts.hash()[&name[..]], value);
        let published = scripts.notifications();
        let notification = Notification::decode(&published[0]).unwrap();
        assert_eq!(notification.change, rmap_proto::Change::Set { key: &name, value });
    }
}

#[test]
fn revisions_stay_below_the_limit() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "limit");
    expect(
        &mut scripts,
        &[("=rev", "99999999999998")],
        set("k", "v"),
        applied(99_999_999_999_999, None, None),
        &[b"set:\x01\0\0\0k\x01\0\0\0v\x0e\0\0\x0099999999999999"],
        &[("=kind", "set"), ("=rev", "99999999999999"), ("k", "v")],
    );
    for (value, operation) in every_operation() {
        let given = [("=rev", "99999999999999"), ("k", value)];
        expect_unchanged(&mut scripts, &given, operation, Err(WriteError::RevisionsExhausted));
    }
    let given = [("=rev", "99999999999999"), ("k", "v")];
    expect_unchanged(
        &mut scripts,
        &given,
        delete("missing"),
        not_applied(Some(99_999_999_999_999), None, None),
    );
}

#[test]
fn a_corrupt_revision_stops_every_operation() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "corrupt");
    for revision in
        ["junk", "", "007", "-1", "+1", " 1", "1 ", "1\n", "1\x001", "1.0", "1e3", "0x1", "100000000000000"]
    {
        for (value, operation) in every_operation() {
            let given = [("=kind", "set"), ("=rev", revision), ("k", value)];
            expect_unchanged(&mut scripts, &given, operation, Err(WriteError::CorruptRevision));
        }
    }
}

#[test]
fn a_key_of_another_type_is_left_alone() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "type");
    scripts.command(&["SET", "map:type:content", "text"]);
    for (_, operation) in every_operation() {
        assert_eq!(scripts.write(&plain(operation)), Err(WriteError::WrongType));
    }
    scripts.expect_silence("at the end");
    let kept: String = redis::cmd("GET").arg("map:type:content").query(&mut scripts.behind).unwrap();
    assert_eq!(kept, "text");
}
