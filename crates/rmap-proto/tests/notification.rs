//! The wire format: known bytes, round trips of every value, hostile payloads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rmap_proto::{Change, Notification, Part, Problem, Revision};

fn revision(number: u64) -> Revision {
    Revision::new(number).unwrap()
}

fn set<'a>(number: u64, key: &'a [u8], value: &'a [u8]) -> Notification<'a> {
    Notification::new(revision(number), Change::Set { key, value })
}

#[test]
fn known_bytes() {
    let delete = Notification::new(revision(8), Change::Delete { key: b"color" });
    let born = set(7, b"k", b"").born(true);
    let batch = delete.remaining(258);
    let both = set(7, b"k", b"").remaining(1).born(true);
    let vectors: [(Notification<'_>, &[u8]); 8] = [
        (
            set(7, b"color", b"blue"),
            &[
                0x73, 0x65, 0x74, 0x3a, 0x05, 0, 0, 0, 0x63, 0x6f, 0x6c, 0x6f, 0x72, 0x04, 0, 0, 0, 0x62,
                0x6c, 0x75, 0x65, 0x01, 0, 0, 0, 0x37,
            ],
        ),
        (delete, &[0x64, 0x65, 0x6c, 0x3a, 0x05, 0, 0, 0, 0x63, 0x6f, 0x6c, 0x6f, 0x72, 0x01, 0, 0, 0, 0x38]),
        (Notification::new(revision(9), Change::Reset), &[0x72, 0x65, 0x73, 0x65, 0x74, 0x3a, 0x39]),
        (Notification::new(revision(10), Change::Destroy), b"destroy:10"),
        (set(99_999_999_999_999, b"\0\xff", b""), b"set:\x02\0\0\0\0\xff\0\0\0\0\x0e\0\0\x0099999999999999"),
        (born, b"set:\x01\0\0\0k\0\0\0\0\x01\0\0\x007RMN\0\0\0\0"),
        (batch, b"del:\x05\0\0\0color\x01\0\0\x008RMB\x04\0\0\0\x02\x01\0\0"),
        (both, b"set:\x01\0\0\0k\0\0\0\0\x01\0\0\x007RMN\0\0\0\0B\x04\0\0\0\x01\0\0\0"),
    ];
    for (notification, bytes) in vectors {
        assert_eq!(notification.encode(), bytes, "{notification:?}");
        assert_eq!(Notification::decode(bytes), Ok(notification));
    }
}

#[test]
fn whole_snapshots() {
    let born = set(7, b"k", b"").born(true);
    assert!(born.is_whole());
    assert!(Notification::new(revision(9), Change::Reset).is_whole());
    assert!(Notification::new(revision(9), Change::Destroy).is_whole());
    assert!(!set(7, b"k", b"").is_whole());
}

/// Without our magic, bytes after the revision belong to another program. Unknown tags of ours belong to the future.
#[test]
fn what_follows_the_revision() {
    let plain = set(7, b"k", b"v").encode();
    let ignored: [&[u8]; 6] = [b"", b"R", b"trailing", b"\0\0\0\0", b"RM", b"RMx\x02\0\0\0ab"];
    for tail in ignored {
        assert_eq!(Notification::decode(&[&plain, tail].concat()), Ok(set(7, b"k", b"v")), "{tail:?}");
    }
    let mixed = [&plain[..], b"RM?\x03\0\0\0abcN\0\0\0\0!\0\0\0\0"].concat();
    assert!(Notification::decode(&mixed).unwrap().born);
}

#[test]
fn faults_are_named_with_their_place() {
    let plain = set(7, b"k", b"v").encode();
    let end = plain.len();
    let with = |tail: &[u8]| [&plain[..], tail].concat();
    let cases: Vec<(Vec<u8>, Part, usize, Problem)> = vec![
        (b"".to_vec(), Part::Kind, 0, Problem::UnknownKind),
        (b"SET:".to_vec(), Part::Kind, 0, Problem::UnknownKind),
        (b"set".to_vec(), Part::Kind, 0, Problem::UnknownKind),
        (b"set:".to_vec(), Part::Key, 4, Problem::Truncated { missing: 4 }),
        (b"set:\x05\0\0\0ab".to_vec(), Part::Key, 8, Problem::Truncated { missing: 3 }),
        (b"set:\xff\xff\xff\xffab".to_vec(), Part::Key, 8, Problem::Truncated { missing: 0xffff_fffd }),
        (b"set:\0\0\0\0".to_vec(), Part::Key, 8, Problem::Empty),
        (b"set:\x01\0\0\0k\x09\0".to_vec(), Part::Value, 9, Problem::Truncated { missing: 2 }),
        (plain[..end - 1].to_vec(), Part::Revision, end - 1, Problem::Truncated { missing: 1 }),
        (b"del:\x01\0\0\0k\x02\0\0\x0007".to_vec(), Part::Revision, 13, Problem::NotARevision),
        (b"del:\x01\0\0\0k\x05\0\0\x001e+14".to_vec(), Part::Revision, 13, Problem::NotARevision),
        (b"reset:".to_vec(), Part::Revision, 6, Problem::NotARevision),
        (b"reset:9RMN\0\0\0\0".to_vec(), Part::Revision, 6, Problem::NotARevision),
        (b"destroy:-1".to_vec(), Part::Revision, 8, Problem::NotARevision),
        (b"destroy:100000000000000".to_vec(), Part::Revision, 8, Problem::NotARevision),
        (with(b"RMN"), Part::Extension, end + 3, Problem::Truncated { missing: 4 }),
        (with(b"RMN\x01\0\0\0"), Part::Extension, end + 7, Problem::Truncated { missing: 1 }),
        (with(b"RMN\x01\0\0\0x"), Part::Extension, end + 2, Problem::WrongLength { length: 1 }),
        (with(b"RMB\x03\0\0\0abc"), Part::Extension, end + 2, Problem::WrongLength { length: 3 }),
        (with(b"RMN\0\0\0\0N\0\0\0\0"), Part::Extension, end + 7, Problem::Repeated),
        (with(b"RMB\x04\0\0\0\0\0\0\0B\x04\0\0\0\0\0\0\0"), Part::Extension, end + 11, Problem::Repeated),
    ];
    for (payload, part, offset, problem) in cases {
        let fault = Notification::decode(&payload).unwrap_err();
        assert_eq!(
            (fault.part, fault.offset, fault.problem),
            (part, offset, problem),
            "{}",
            payload.escape_ascii()
        );
    }
}

#[test]
fn a_fault_reads_as_a_sentence() {
    let fault = Notification::decode(b"set:\x05\0\0\0ab").unwrap_err();
    assert_eq!(fault.to_string(), "undecodable notification: 3 bytes missing in key at byte 8");
}

proptest! {
    #[test]
    fn there_and_back(
        key in prop::collection::vec(any::<u8>(), 1..40),
        value in prop::collection::vec(any::<u8>(), 0..200),
        number in 0..Revision::LIMIT,
        remaining: u32,
        born: bool,
        kind in 0..4,
    ) {
        let change = match kind {
            0 => Change::Set { key: &key, value: &value },
            1 => Change::Delete { key: &key },
            2 => Change::Reset,
            _ => Change::Destroy,
        };
        let tagged = kind < 2;
        let notification = Notification::new(revision(number), change).born(tagged && born).remaining(if tagged { remaining } else { 0 });
        let payload = notification.encode();
        prop_assert_eq!(Notification::key_of(&payload), notification.key());
        prop_assert_eq!(Notification::decode(&payload), Ok(notification));
    }

    /// The decoder answers every payload, and an accepted key or value lies inside the payload.
    #[test]
    fn any_bytes_are_answered(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (Notification::decode(&payload), Notification::key_of(&payload));
    }

    /// Sound payloads with a few bytes changed, cut off or added.
    #[test]
    fn damaged_payloads_are_answered(
        kind in prop::sample::select(vec!["set:", "del:", "reset:", "destroy:"]),
        key_length in prop_oneof![0..6u32, any::<u32>()],
        value_length in prop_oneof![0..6u32, any::<u32>()],
        rest in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'7'), Just(0), Just(b'R'), Just(b'M')], 0..60),
    ) {
        let payload = [kind.as_bytes(), &key_length.to_le_bytes(), &rest[..rest.len() / 3], &value_length.to_le_bytes(), &rest].concat();
        match Notification::decode(&payload) {
            Ok(notification) => {
                let text = notification.encode().len();
                prop_assert!(text <= payload.len() + 20, "{} bytes out of {}", text, payload.len());
            }
            Err(fault) => prop_assert!(fault.offset <= payload.len()),
        }
    }

    /// The decoder never takes a `set` that is cut short for a shorter one.
    #[test]
    fn a_payload_cut_short_is_refused(
        key in prop::collection::vec(any::<u8>(), 1..10),
        value in prop::collection::vec(any::<u8>(), 0..10),
        number in 0..Revision::LIMIT,
        keep in 0.0..1.0f64,
    ) {
        let payload = set(number, &key, &value).encode();
        let kept = (payload.len() as f64 * keep) as usize;
        prop_assert!(Notification::decode(&payload[..kept]).is_err());
    }
}
