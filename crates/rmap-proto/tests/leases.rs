//! Requests about leases, and their replies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use rmap_proto::script::{self, Invocation};
use rmap_proto::{
    BatchOperation, Deadline, Expiry, Held, InvalidExpiry, Key, KeyOperation, Leases, MAX_LEASED_BYTES,
    MAX_LEASES_AT_ONCE, MapName, Mark, OnlyIf, Operation, Read, ReadReply, Reaped, Reply, Revision, Revoked,
    Sidecars, Ttl, Write, WriteError,
};

fn map() -> MapName {
    MapName::new("flags").unwrap()
}

fn untagged() -> MapName {
    MapName::new("a}b").unwrap()
}

fn key(key: &str) -> Key {
    Key::new(key).unwrap()
}

fn text(text: &str) -> Reply {
    Reply::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

fn integers(integers: &[i64]) -> Vec<Reply> {
    integers.iter().copied().map(Reply::Integer).collect()
}

fn set(value: &[u8], only_if: OnlyIf) -> Operation {
    let expiry = Expiry::new(Duration::from_secs(15)).unwrap();
    Operation::Key(KeyOperation::SetExpiring {
        key: key("k"),
        value: Bytes::copy_from_slice(value),
        expiry,
        only_if,
    })
}

fn parts(invocation: Invocation) -> (&'static str, Option<Sidecars>, Vec<Bytes>) {
    match invocation {
        Invocation::Script { script, sidecars, args, .. } => (script.name(), sidecars, args),
        Invocation::Command { name, .. } => panic!("{name} is no script"),
    }
}

#[test]
fn an_expiry_has_at_least_a_second() {
    let expiry = |millis| Expiry::new(Duration::from_millis(millis)).map(Expiry::get);
    assert_eq!(expiry(999), Err(InvalidExpiry::TooShort));
    assert_eq!(expiry(1000), Ok(1000));
    assert_eq!(Expiry::new(Duration::from_nanos(1_000_000_001)).map(Expiry::get), Ok(1001));
    assert_eq!(expiry(1_000_000_000_000), Ok(1_000_000_000_000));
    assert_eq!(expiry(1_000_000_000_001), Err(InvalidExpiry::TooLong));
    assert_eq!(Expiry::new(Duration::MAX), Err(InvalidExpiry::TooLong));
}

/// Only a write that concerns leases names the sidecars.
#[test]
fn a_map_without_leases_runs_the_scripts_without_sidecars() {
    let plain = Operation::Key(KeyOperation::Set { key: key("k"), value: "v".into() });
    for operation in [plain.clone(), Operation::Reset, Operation::Batch(BatchOperation::default())] {
        let write = Write::new(operation, Ttl::None);
        let (name, sidecars, args) = parts(script::write(&map(), &write).unwrap());
        assert_eq!((name, sidecars), (write.operation.name(), None));
        let (leased, sidecars, same) = parts(script::write(&map(), &write.leases(true)).unwrap());
        assert_eq!((leased, sidecars), (&*format!("leased_{name}"), map().sidecars().ok()));
        assert_eq!(args, same);
    }
    let (name, sidecars, _) = parts(script::write_group(&map(), Ttl::None, &[&plain]).unwrap());
    assert_eq!((name, sidecars), ("group", None));
    let group = script::write_group_leased(&map(), Ttl::None, &[&plain]).unwrap();
    assert_eq!(parts(group.unwrap()).0, "leased_group");
}

#[test]
fn a_set_that_expires_carries_its_condition() {
    for (only_if, condition, test) in [
        (OnlyIf::Any, "any", ""),
        (OnlyIf::Absent, "absent", ""),
        (OnlyIf::Equals("t".into()), "equals", "t"),
    ] {
        let operation = set(b"v", only_if);
        let alone = parts(script::write(&map(), &Write::new(operation.clone(), Ttl::None)).unwrap());
        assert_eq!((alone.0, alone.1), ("set_expiring", map().sidecars().ok()));
        assert_eq!(alone.2, ["map:flags:updates", "none", "0", "k", "v", "15000", condition, test]);
        let group = parts(script::write_group(&map(), Ttl::None, &[&operation]).unwrap());
        assert_eq!(group.0, "leased_group");
        assert_eq!(group.2, ["map:flags:updates", "none", "0", "e", "k", "v", "15000", condition, test]);
    }
}

#[test]
fn what_no_lease_can_guard_is_not_sent() {
    let write = |map: &MapName, operation| script::write(map, &Write::new(operation, Ttl::None)).map(|_| ());
    let longest = vec![b'x'; MAX_LEASED_BYTES];
    assert_eq!(write(&map(), set(&longest, OnlyIf::Any)), Ok(()));
    let length = MAX_LEASED_BYTES + 1;
    let longer = set(&[&longest[..], b"x"].concat(), OnlyIf::Any);
    assert_eq!(script::write_group(&map(), Ttl::None, &[&longer]), None);
    assert_eq!(write(&map(), longer), Err(WriteError::LeasedValueTooLong { length }));
    let refused = write(&untagged(), set(b"v", OnlyIf::Any)).unwrap_err();
    assert!(refused.to_string().contains("'}' at byte 1"), "{refused}");
    assert_eq!(script::write_group(&untagged(), Ttl::None, &[&set(b"v", OnlyIf::Any)]), None);
    let expiry = Expiry::new(Duration::from_secs(1)).unwrap();
    for count in [0, MAX_LEASES_AT_ONCE + 1] {
        let leases = vec![Held::new(key("k"), 7); count];
        assert_eq!(script::renew(&map(), expiry, &leases), Err(WriteError::TooManyLeases { count }));
        assert_eq!(script::revoke(&map(), Ttl::None, &leases), Err(WriteError::TooManyLeases { count }));
    }
}

#[test]
fn requests_about_leases_name_the_sidecars() {
    let held = [Held::new(key("a"), 7), Held::new(key("b"), 8)];
    let expiry = Expiry::new(Duration::from_secs(2)).unwrap();
    let head = ["map:flags:updates", "none", "0"];
    let requests = [
        (script::start_leases(&map()).unwrap(), "start_leases", vec![]),
        (script::reap(&map(), Ttl::None).unwrap(), "reap", [&head[..], &["map:flags:sync:all"]].concat()),
        (script::renew(&map(), expiry, &held).unwrap(), "renew", vec!["2000", "a", "7", "b", "8"]),
        (
            script::revoke(&map(), Ttl::None, &held).unwrap(),
            "revoke",
            [&head[..], &["a", "7", "b", "8"]].concat(),
        ),
        (script::expires_at(&map(), &key("k")).unwrap(), "expires_at", vec!["k"]),
    ];
    for (request, name, args) in requests {
        assert_eq!(
            parts(request),
            (name, map().sidecars().ok(), args.into_iter().map(Bytes::from).collect())
        );
    }
    let check = |invocation| parts(invocation).2.pop();
    assert_eq!(check(script::check(&map())), Some("0".into()));
    assert_eq!(check(script::check_leases(&map()).unwrap()), Some("1".into()));
    assert!(script::check_leases(&untagged()).is_err() && script::reap(&untagged(), Ttl::None).is_err());
    let (_, _, args) =
        parts(script::read(&untagged(), &Read::Probe { mark: Mark::new(Bytes::from_static(b"c"), 1) }));
    assert_eq!(args, ["c", "1", "", ""]);
}

#[test]
fn replies_about_leases() {
    let ms = Duration::from_millis;
    let reaped = script::decode_reaped(Reply::Array(integers(&[9, 2, 1, 700])));
    assert_eq!(reaped, Ok(Reaped::new(Revision::new(9), 2, 1, Some(ms(700)))));
    let nothing = script::decode_reaped(Reply::Array(integers(&[-1, 0, 0, -1])));
    assert_eq!(nothing, Ok(Reaped::new(None, 0, 0, None)));
    for wrong in [&[9, 2, 1][..], &[9, 2, 1, -2], &[9, -1, 1, 0], &[9, 2, 1, 0, 0], &[-2, 0, 0, 0]] {
        assert!(script::decode_reaped(Reply::Array(integers(wrong))).is_err(), "{wrong:?}");
    }
    let keys = Reply::Array(vec![text("a"), text("b")]);
    assert_eq!(script::decode_renewed(keys), Ok(vec!["a".into(), "b".into()]));
    assert!(script::decode_renewed(Reply::Array(vec![Reply::Nil])).is_err());
    let revoked = Reply::Array([integers(&[9, 2]), vec![text("a")]].concat());
    assert_eq!(script::decode_revoked(revoked), Ok(Revoked::new(Revision::new(9), 2, vec!["a".into()])));
    assert!(script::decode_revoked(Reply::Array(integers(&[9]))).is_err());
    let at = |integers_: &[i64], fence: Reply| {
        script::decode_expires_at(Reply::Array([integers(integers_), vec![fence]].concat()))
    };
    assert_eq!(at(&[1000, -1], Reply::Nil), Ok(None));
    let deadline = at(&[1000, 1700], text("1700000000000")).unwrap().unwrap();
    assert_eq!((deadline.left, deadline.fence), (ms(700), 1_700_000_000_000));
    assert_eq!(at(&[1800, 1700], text("5")), Ok(Some(Deadline::new(1700, 1800, 5))));
    assert!(at(&[1000, 1700], text("07")).is_err() && at(&[-1, 1700], text("7")).is_err());
}

#[test]
fn a_probe_tells_whether_leases_are_on() {
    let read = Read::Probe { mark: Mark::new(Bytes::new(), 1) };
    for (integer, leases) in [
        (-3, Some(Leases::Unknown)),
        (-2, Some(Leases::Off)),
        (-1, Some(Leases::On { next: None })),
        (0, Some(Leases::On { next: Some(Duration::ZERO) })),
        (-4, None),
    ] {
        let reply = [integers(&[3, -1, 7, 0]), vec![text("")], integers(&[99, integer])].concat();
        let probe = match script::decode_read(&read, Reply::Array(reply)) {
            Ok(ReadReply::Probe(probe)) => Some(probe.leases),
            Ok(_) => panic!("no probe"),
            Err(_) => None,
        };
        assert_eq!(probe, leases);
    }
}
