//! Names, keys, revisions and times to live.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use rmap_proto::{InvalidKey, InvalidName, InvalidTtl, Key, MapName, Mark, Revision, TtlMillis, is_reserved};

#[test]
fn names_give_the_redis_key_and_channels() {
    let name = MapName::new("{tag}:\u{fc}\u{9}").unwrap();
    assert_eq!(name.hash_key(), "map:{tag}:\u{fc}\t:content");
    assert_eq!(name.updates_channel(), "map:{tag}:\u{fc}\t:updates");
    assert_eq!(name.sync_channel("0af3"), "map:{tag}:\u{fc}\t:sync:0af3");
    assert_eq!(MapName::new(b"\xff").unwrap().hash_key(), &b"map:\xff:content"[..]);
}

#[test]
fn bad_names_are_distinguished() {
    assert_eq!(MapName::new(""), Err(InvalidName::Empty));
    for byte in *b" \0*?[]" {
        let name = [b'a', b'b', byte, b'c'];
        assert_eq!(MapName::new(name), Err(InvalidName::Forbidden { byte, offset: 2 }));
    }
    for name in ["a=b", "a\tb", "a/b", "a{b", "a\\b", "日本"] {
        assert!(MapName::new(name).is_ok(), "{name}");
    }
}

/// Every character counts as one, and every invalid byte too.
#[test]
fn a_name_has_at_most_512_characters() {
    assert!(MapName::new("日".repeat(512)).is_ok());
    assert_eq!(MapName::new("日".repeat(513)), Err(InvalidName::TooLong { chars: 513 }));
    assert!(MapName::new(b"\xe6".repeat(512)).is_ok());
    assert_eq!(MapName::new(b"\xe6\x97".repeat(257)), Err(InvalidName::TooLong { chars: 514 }));
}

#[test]
fn keys_are_any_bytes_but_the_equals_sign() {
    assert_eq!(Key::new(""), Err(InvalidKey::Empty));
    let key = Bytes::from_static(b"ab=c=");
    assert_eq!(Key::new(&key), Err(InvalidKey::EqualsSign { key, offset: 2 }));
    let all: Vec<u8> = (0..=255).filter(|&byte| byte != b'=').collect();
    assert_eq!(Key::new(&all).unwrap().as_bytes(), all);
    assert!(is_reserved(b"=rev") && is_reserved(b"x=y") && !is_reserved(b"rev"));
}

#[test]
fn errors_show_unprintable_bytes_as_text() {
    assert_eq!(
        MapName::new("a\0").unwrap_err().to_string(),
        r"map name has the forbidden character '\x00' at byte 1"
    );
    let error = Key::new(b"\xff=").unwrap_err().to_string();
    assert_eq!(error, r#"key "\xff=" contains '=' at byte 1"#);
}

#[test]
fn revisions_are_canonical_and_bounded() {
    assert_eq!(Revision::parse(b"0"), Some(Revision::ZERO));
    assert_eq!(Revision::parse(b"99999999999999"), Revision::new(Revision::LIMIT - 1));
    for text in
        ["", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "100000000000000", "99999999999999999999"]
    {
        assert_eq!(Revision::parse(text.as_bytes()), None, "{text:?}");
    }
    let last = Revision::new(Revision::LIMIT - 1).unwrap();
    assert_eq!((last.next(), Revision::new(Revision::LIMIT)), (None, None));
    assert!(Revision::ONE.follows(Revision::ZERO) && !Revision::ZERO.follows(Revision::ONE));
    assert!(Revision::new(1_000_000_000_000).unwrap().is_unique());
    assert!(!Revision::new(999_999_999_999).unwrap().is_unique());
}

#[test]
fn times_to_live_are_whole_milliseconds() {
    assert_eq!(TtlMillis::new(Duration::ZERO), Err(InvalidTtl::Zero));
    assert_eq!(TtlMillis::new(Duration::from_nanos(1)).unwrap().get(), 1);
    assert_eq!(TtlMillis::new(Duration::from_micros(1001)).unwrap().get(), 2);
    assert_eq!(TtlMillis::new(Duration::from_millis(1 << 53)).unwrap().get(), 1 << 53);
    assert_eq!(TtlMillis::new(Duration::from_millis((1 << 53) + 1)), Err(InvalidTtl::TooLong));
    assert_eq!(TtlMillis::new(Duration::MAX), Err(InvalidTtl::TooLong));
}

#[test]
fn marks_carry_their_id_as_text() {
    assert_eq!(Mark::parse_id(b"18446744073709551615"), Some(u64::MAX));
    for payload in [&b""[..], b"-1", b"x", b"\xff", b"18446744073709551616"] {
        assert_eq!(Mark::parse_id(payload), None);
    }
}

/// The text is one line, and different bytes give different text.
#[test]
fn names_and_keys_are_shown_escaped() {
    let (name, key) = (MapName::new("a\tb\u{e9}").unwrap(), Key::new("a\nb").unwrap());
    assert_eq!(
        (name.to_string(), format!("{name:?}")),
        (r"a\tb\xc3\xa9".into(), r"MapName(a\tb\xc3\xa9)".into())
    );
    assert_eq!((key.to_string(), format!("{key:?}")), (r"a\nb".into(), r"Key(a\nb)".into()));
}

/// The part of a key that decides about its cluster slot, by the specification of Redis Cluster.
fn slot_part(key: &[u8]) -> &[u8] {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let length = key[open + 1..].iter().position(|&byte| byte == b'}')?;
        (length > 0).then(|| &key[open + 1..open + 1 + length])
    });
    tag.unwrap_or(key)
}

proptest! {
    /// A name has sidecars exactly if some key of that form is in the slot of its hash.
    #[test]
    fn sidecars_are_in_the_slot_of_the_hash(name in "[a{}:]{1,6}") {
        let name = MapName::new(name).unwrap();
        let hash = name.hash_key();
        match name.sidecars() {
            Ok(keys) => {
                prop_assert_eq!(slot_part(&keys.side), slot_part(&hash));
                prop_assert_eq!(slot_part(&keys.leases), slot_part(&hash));
            }
            Err(_) => {
                prop_assert_eq!(slot_part(&hash), &hash[..]);
                prop_assert!(hash.contains(&b'}'), "a brace");
            }
        }
    }

    #[test]
    fn revisions_there_and_back(number in 0..Revision::LIMIT) {
        let revision = Revision::new(number).unwrap();
        prop_assert_eq!(Revision::parse(revision.to_string().as_bytes()), Some(revision));
    }

    #[test]
    fn every_accepted_name_is_kept(name in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(accepted) = MapName::new(&name) {
            prop_assert_eq!(accepted.as_bytes(), &name[..]);
        }
    }
}
