//! Arguments of requests, and replies of every shape.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use rmap_proto::script::{self, Invocation};
use rmap_proto::{
    BatchReply, Entries, Key, KeyOperation, Leases, MAX_BATCH_BYTES, MAX_BATCH_STEPS, MapName, Mark,
    Operation, Page, Probe, Read, ReadReply, Replication, Reply, Revision, ServerError, Snapshot, Ttl,
    TtlMillis, Write, WriteError, WriteReply,
};

/// As `INFO replication` says it, but for its ids.
const INFO: &str = "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:0af3\r\n\
    master_replid2:beef\r\nmaster_repl_offset:42\r\nsecond_repl_offset:7\r\n";

fn text(text: &str) -> Reply {
    Reply::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

fn array(elements: &[Reply]) -> Reply {
    Reply::Array(elements.to_vec())
}

fn integers<const N: usize>(integers: [i64; N]) -> Vec<Reply> {
    integers.into_iter().map(Reply::Integer).collect()
}

fn mark() -> Mark {
    Mark::new(Bytes::from_static(b"map:flags:sync:x"), 12)
}

fn reads() -> [Read; 3] {
    [
        Read::Snapshot { mark: mark(), max_fields: 1000, max_bytes: 1 << 20 },
        Read::Probe { mark: mark() },
        Read::Page { cursor: u64::MAX, count: 500 },
    ]
}

#[test]
fn writes_are_scripts_with_the_hash_as_their_only_key() {
    let map = MapName::new("flags").unwrap();
    let ttl = Ttl::Sliding(TtlMillis::new(Duration::from_secs(2)).unwrap());
    let operation = Operation::Key(KeyOperation::TestAndSet {
        key: Key::new("k").unwrap(),
        test: Bytes::from_static(b"t"),
        value: Bytes::from_static(b"v"),
    });
    let Ok(Invocation::Script { script, key, args, .. }) = script::write(&map, &Write::new(operation, ttl))
    else {
        panic!("not a script");
    };
    assert_eq!(script.name(), "test_and_set");
    assert_eq!(key, "map:flags:content");
    assert_eq!(args, ["map:flags:updates", "sliding", "2000", "k", "v", "t"]);
}

#[test]
fn a_test_and_reset_without_pairs_is_not_sent() {
    let map = MapName::new("flags").unwrap();
    let write = Write::new(Operation::TestAndReset { tests: Vec::new() }, Ttl::None);
    assert_eq!(script::write(&map, &write), Err(WriteError::NoTests));
}

#[test]
fn a_test_and_reset_reads_no_more_than_a_batch_may() {
    let map = MapName::new("flags").unwrap();
    let key = |number: usize| Key::new(number.to_string()).unwrap();
    let write = |tests: Vec<(Key, Bytes)>| {
        script::write(&map, &Write::new(Operation::TestAndReset { tests }, Ttl::None)).map(|_| ())
    };
    let many = |count: usize| (0..count).map(|number| (key(number), Bytes::new())).collect();
    assert_eq!(write(many(MAX_BATCH_STEPS)), Ok(()));
    let count = MAX_BATCH_STEPS + 1;
    assert_eq!(write(many(count)), Err(WriteError::TooManySteps { count }));
    let large = |bytes| vec![(key(1), Bytes::from(vec![b'x'; bytes])), (key(2), Bytes::new())];
    assert_eq!(write(large(MAX_BATCH_BYTES - 2)), Ok(()));
    assert_eq!(write(large(MAX_BATCH_BYTES - 1)), Err(WriteError::BatchTooLarge));
}

#[test]
fn reads_carry_their_mark_and_limits() {
    let map = MapName::new("flags").unwrap();
    let requests = reads().map(|read| match script::read(&map, &read) {
        Invocation::Script { script, key, args, .. } => (script.name(), [vec![key], args].concat()),
        Invocation::Command { name, args } => (name, args),
    });
    let hash = "map:flags:content";
    let channel = "map:flags:sync:x";
    let (side, leases) = ("{map:flags:content}:side", "{map:flags:content}:leases");
    let snapshot = [hash, channel, "12", side, leases, "1000", "1048576"].map(Bytes::from).to_vec();
    assert_eq!(requests[0], ("snapshot", snapshot));
    assert_eq!(requests[1], ("probe", [hash, channel, "12", side, leases].map(Bytes::from).to_vec()));
    let scan = [hash, "18446744073709551615", "COUNT", "500"].map(Bytes::from).to_vec();
    assert_eq!(requests[2], ("HSCAN", scan));
}

fn grouped() -> Vec<Operation> {
    let key = |key: &str| Key::new(key).expect("a key");
    let (value, test) = (Bytes::from_static(b"v"), Bytes::from_static(b"t"));
    vec![
        Operation::Key(KeyOperation::Set { key: key("a"), value: value.clone() }),
        Operation::Key(KeyOperation::SetIfNotExists { key: key("b"), value: value.clone() }),
        Operation::Key(KeyOperation::TestAndSet { key: key("c"), test: test.clone(), value }),
        Operation::Key(KeyOperation::Delete { key: key("d") }),
        Operation::Key(KeyOperation::TestAndDelete { key: key("a"), test }),
        Operation::Key(KeyOperation::Inc { key: key("n"), delta: -5 }),
        Operation::Key(KeyOperation::Inc { key: key("n"), delta: i64::MAX }),
    ]
}

#[test]
fn a_group_lists_its_keys_and_then_the_rest() {
    let map = MapName::new("flags").unwrap();
    let operations = grouped();
    let operations: Vec<_> = operations.iter().collect();
    let Some(Invocation::Script { script, key, args, .. }) =
        script::write_group(&map, Ttl::None, &operations)
    else {
        panic!("not a script");
    };
    assert_eq!((script.name(), key), ("group", map.hash_key()));
    let head = ["map:flags:updates", "none", "0", "sntdxii"];
    let keys = ["a", "b", "c", "d", "a", "n", "n"];
    let rest = ["v", "v", "v", "t", "t", "-5", "9223372036854775807"];
    assert_eq!(args, [&head[..], &keys, &rest].concat());
    let sizes: Vec<_> = operations.iter().map(|operation| script::group_size(operation)).collect();
    assert_eq!(sizes, [2, 2, 3, 1, 2, 1, 1].map(Some));
    for alone in [
        Operation::Reset,
        Operation::Key(KeyOperation::AppendValues { key: Key::new("l").unwrap(), items: Vec::new() }),
    ] {
        assert_eq!(script::group_size(&alone), None);
        assert_eq!(script::write_group(&map, Ttl::None, &[operations[0], &alone]), None);
    }
    let many = vec![operations[0]; script::MAX_GROUP_WRITES + 1];
    assert_eq!(script::write_group(&map, Ttl::None, &many), None);
    assert!(script::write_group(&map, Ttl::None, &many[1..]).is_some());
}

#[test]
fn group_replies_are_taken_apart() {
    let operations = grouped();
    let operations: Vec<_> = operations.iter().collect();
    let held = [Reply::Nil, text("b"), text("x"), text("d"), text("v"), text("5"), Reply::Nil];
    let end = [text("annaaae"), text("0"), text("RMAPOVERFLOW the sum")];
    let good = [&integers([7, 8])[..], &held, &end].concat();
    let written = |applied, revision, previous: Option<&'static str>, value: Option<&'static str>| {
        let revision = Revision::new(revision);
        let [previous, value] = [previous, value].map(|text| text.map(Bytes::from));
        Ok(WriteReply::new(applied, revision).previous(previous).value(value))
    };
    let expected = vec![
        written(true, 8, None, None),
        written(false, 8, Some("b"), None),
        written(false, 8, Some("x"), None),
        written(true, 9, Some("d"), None),
        written(true, 10, Some("v"), None),
        written(true, 11, Some("5"), Some("0")),
        Err(WriteError::Overflow),
    ];
    assert_eq!(script::decode_group(&operations, array(&good)), Ok(expected));
    let first = &operations[3..4];
    let missing = array(&[Reply::Integer(-1), Reply::Integer(0), Reply::Nil, text("n")]);
    let missing = script::decode_group(first, missing).unwrap().remove(0).unwrap();
    assert_eq!((missing.applied, missing.revision), (false, None));
    let wrong = [
        (0, Reply::Integer(-2)),
        (0, text("7")),
        (1, Reply::Integer(0)),
        (1, Reply::Integer(99_999_999_999_998)),
        (2, Reply::Integer(1)),
        (9, text("annaaa")),
        (9, text("annaaaee")),
        (9, text("ennaaae")),
        (9, text("annaaaz")),
        (10, Reply::Nil),
        (11, text("RMAPREVISION")),
    ];
    let mut shapes: Vec<_> = (0..good.len()).map(|length| array(&good[..length])).collect();
    shapes.push(array(&[&good[..], &[Reply::Nil]].concat()));
    for (index, element) in wrong {
        let mut elements = good.clone();
        elements[index] = element;
        shapes.push(Reply::Array(elements));
    }
    for shape in shapes {
        let outcome = script::decode_group(&operations, shape.clone());
        assert!(outcome.is_err(), "{shape:?} is {outcome:?}");
    }
}

/// With a shebang even reads would fail when the server's memory is full.
#[test]
fn scripts_are_named_once_and_have_no_shebang() {
    let mut names: Vec<_> = script::ALL.iter().map(|script| script.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), script::ALL.len());
    assert!(script::ALL.iter().all(|script| !script.source().starts_with('#')));
}

#[test]
fn batch_replies() {
    let reply = |rest: &[Reply]| {
        let mut elements = vec![Reply::Integer(1), Reply::Integer(8), Reply::Nil, Reply::Nil];
        elements.extend_from_slice(rest);
        script::decode_written(array(&elements)).map(|written| written.batch)
    };
    let batch = |changed, failed, values| Ok(Some(BatchReply::new(changed, failed, values)));
    let sound = reply(&[Reply::Integer(2), Reply::Integer(0), text("5"), Reply::Nil]);
    assert_eq!(sound, batch(2, None, vec![Some(Bytes::from_static(b"5")), None]));
    assert_eq!(reply(&[Reply::Integer(0), Reply::Integer(3)]), batch(0, Some(2), Vec::new()));
    let hostile = [
        vec![Reply::Integer(1)],
        vec![Reply::Integer(-1), Reply::Integer(0)],
        vec![Reply::Integer(i64::MAX), Reply::Integer(0)],
        vec![Reply::Integer(1), Reply::Integer(-1)],
        vec![Reply::Integer(1), Reply::Integer(0), Reply::Integer(1)],
    ];
    for rest in hostile {
        assert!(reply(&rest).is_err(), "{rest:?}");
    }
}

#[test]
fn written_replies() {
    let reply = array(&[Reply::Integer(1), Reply::Integer(8), text("old"), Reply::Nil]);
    let written = WriteReply::new(true, Revision::new(8)).previous(Some(Bytes::from_static(b"old")));
    assert_eq!(script::decode_written(reply), Ok(written));
    let none = array(&[Reply::Integer(0), Reply::Integer(-1), Reply::Nil, text("")]);
    let written = script::decode_written(none).unwrap();
    assert_eq!((written.applied, written.revision, written.value), (false, None, Some(Bytes::new())));
}

#[test]
fn an_applied_write_may_be_one_string() {
    let written = |revision, previous: Option<&'static str>| {
        let (revision, previous) = (Revision::new(revision), previous.map(Bytes::from));
        Ok(WriteReply::new(true, revision).previous(previous))
    };
    assert_eq!(script::decode_written(text("8")), written(8, None));
    assert_eq!(script::decode_written(text("99999999999999=")), written(99_999_999_999_999, Some("")));
    assert_eq!(script::decode_written(text("8=a=b")), written(8, Some("a=b")));
    for shape in ["", "=", "=8", "08", "-1", "100000000000000", "8 ", "OK", "8:x"] {
        assert!(script::decode_written(text(shape)).is_err(), "{shape}");
    }
}

#[test]
fn other_shapes_are_refused() {
    let good = [Reply::Integer(1), Reply::Integer(8), Reply::Nil, Reply::Nil];
    let mut shapes = vec![Reply::Nil, Reply::Integer(1), text("OK"), array(&[])];
    shapes.extend((0..4).map(|length| array(&good[..length])));
    shapes.push(array(&[&good[..], &[Reply::Nil]].concat()));
    let wrong = [
        (0, Reply::Integer(2)),
        (0, text("1")),
        (1, Reply::Integer(-2)),
        (1, Reply::Integer(i64::MAX)),
        (2, Reply::Integer(1)),
        (3, Reply::Array(Vec::new())),
    ];
    for (index, element) in wrong {
        let mut elements = good.to_vec();
        elements[index] = element;
        shapes.push(Reply::Array(elements));
    }
    for shape in shapes {
        let error = script::decode_written(shape.clone()).expect_err(&format!("{shape:?}"));
        assert!(error.to_string().starts_with("unexpected reply to write: "), "{error}");
    }
}

#[test]
fn probe_replies() {
    let [_, read, _] = reads();
    let some = |cleared| {
        Reply::Array(
            [&integers([3, 1500, 7, cleared])[..], &[text(INFO), Reply::Integer(99), Reply::Integer(700)]]
                .concat(),
        )
    };
    let probe = |cleared| {
        Probe::new(Revision::new(7), 3)
            .cleared(cleared)
            .ttl(Some(Duration::from_millis(1500)))
            .replication(Some(Replication::new("0af3".into(), 42).former("beef".into(), 7)))
            .clock(Some(99))
            .leases(Leases::On { next: Some(Duration::from_millis(700)) })
    };
    for cleared in [false, true] {
        let reply = some(i64::from(cleared));
        assert_eq!(script::decode_read(&read, reply), Ok(ReadReply::Probe(probe(cleared))));
    }
    for ttl in [-1, -2] {
        let none = Reply::Array(
            [integers([0, ttl, -1, 0]), vec![text(""), Reply::Integer(0), Reply::Integer(-3)]].concat(),
        );
        let probe = Probe::new(None, 0);
        assert_eq!(script::decode_read(&read, none), Ok(ReadReply::Probe(probe)));
    }
}

#[test]
fn snapshot_replies_split_off_reserved_fields() {
    let [read, ..] = reads();
    let fields = ["=rev", "7", "k", "v", "=epoch", "x", "message", ""].map(text);
    let snapshot = |included, rest: &[Reply]| {
        Reply::Array(
            [
                &integers([included, 4, -1, 7, 0])[..],
                &[text(""), Reply::Integer(0), Reply::Integer(-2)],
                rest,
            ]
            .concat(),
        )
    };
    let reply = snapshot(1, &[array(&fields)]);
    let Ok(ReadReply::Snapshot(Snapshot { content: Some(content), .. })) = script::decode_read(&read, reply)
    else {
        panic!("not a snapshot with content");
    };
    let pair = |key: &'static str, value: &'static str| (Bytes::from(key), Bytes::from(value));
    let expected =
        Entries::new(vec![pair("k", "v"), pair("message", "")], vec!["=rev".into(), "=epoch".into()]);
    assert_eq!(content, expected);
    let reply = script::decode_read(&read, snapshot(0, &[]));
    assert!(matches!(reply, Ok(ReadReply::Snapshot(Snapshot { content: None, .. }))), "{reply:?}");
    let pair = ["k", "v"].map(text);
    let hostile = [
        snapshot(1, &[]),
        snapshot(1, &pair),
        snapshot(1, &[array(&pair[..1])]),
        snapshot(1, &[array(&pair), array(&[])]),
        snapshot(1, &[array(&[text("k"), Reply::Nil])]),
        snapshot(1, &[array(&[text("k"), array(&pair)])]),
        snapshot(0, &[array(&pair)]),
    ];
    for reply in hostile {
        let error = script::decode_read(&read, reply.clone()).expect_err(&format!("{reply:?}"));
        assert!(error.to_string().starts_with("unexpected reply to snapshot: "), "{error}");
    }
}

#[test]
fn page_replies() {
    let [.., read] = reads();
    let reply = array(&[text("18446744073709551615"), array(&["k", "v"].map(text))]);
    let entries = Entries::new(vec![("k".into(), "v".into())], Vec::new());
    let page = Page::new(u64::MAX, entries);
    assert_eq!(script::decode_read(&read, reply), Ok(ReadReply::Page(page)));
    for cursor in ["", "-1", "x", "18446744073709551616"] {
        assert!(script::decode_read(&read, array(&[text(cursor), array(&[])])).is_err());
    }
}

#[test]
fn check_replies() {
    let reply = |wrong, stored| {
        let version = [text("7.0.15"), Reply::Integer(1), text("+hset")];
        array(&[&[Reply::Integer(0), Reply::Integer(wrong), stored], &version[..]].concat())
    };
    let check = script::decode_check(reply(1, Reply::Nil)).unwrap();
    assert_eq!((check.version.as_str(), check.too_old, check.wrong_type), ("7.0.15", false, true));
    assert_eq!((&check.missing[..], check.leases), (&["+hset".to_owned()][..], Some(true)));
    for (stored, corrupt) in
        [(Reply::Nil, false), (text("7"), false), (text("07"), true), (text("100000000000000"), true)]
    {
        assert_eq!(script::decode_check(reply(0, stored)).unwrap().corrupt_revision, corrupt);
    }
}

/// Redis 7.0 and later versions word the error differently.
#[test]
fn a_refused_check_names_the_right() {
    let map = MapName::new("flags").unwrap();
    let refused = |text: &str| script::check_refused(&map, &ServerError::parse(text));
    let command = Some("+evalsha".to_owned());
    assert_eq!(refused("NOPERM this user has no permissions to run the 'evalsha' command"), command);
    assert_eq!(refused("NOPERM User bob has no permissions to run the 'evalsha' command"), command);
    let key = Some("~map:flags:content".to_owned());
    assert_eq!(
        refused("NOPERM this user has no permissions to access one of the keys used as arguments"),
        key
    );
    assert_eq!(refused("NOPERM No permissions to access a key"), key);
    assert_eq!(refused("LOADING Redis is loading the dataset in memory"), None);
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Nil),
        prop_oneof![-3..10i64, any::<i64>()].prop_map(Reply::Integer),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(|bytes| Reply::Bytes(bytes.into())),
        (0..20u8).prop_map(|number| Reply::Bytes(number.to_string().into())),
    ];
    leaf.prop_recursive(3, 24, 8, |inner| prop::collection::vec(inner, 0..8).prop_map(Reply::Array))
}

proptest! {
    #[test]
    fn any_reply_is_answered(reply in any_reply()) {
        let _ = script::decode_written(reply.clone());
        let _ = script::decode_check(reply.clone());
        let operations = grouped();
        let _ = script::decode_group(&operations.iter().collect::<Vec<_>>(), reply.clone());
        for read in reads() {
            let _ = script::decode_read(&read, reply.clone());
        }
    }
}
