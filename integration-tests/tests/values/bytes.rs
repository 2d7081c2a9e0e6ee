//! Every byte, in values and keys.

use rmap_client::{Error, Outcome};

use crate::pair::Pair;

#[tokio::test]
async fn every_byte_in_a_value() {
    let mut pair = Pair::new("flags").await;
    let all: Vec<u8> = (0..=255).collect();
    let doubled = [&all[..], &all].concat();
    for value in [&all[..], &doubled, b"\r\n", b"\0", b"$3\r\nabc\r\n", b"+OK\r\n", b"-ERR no\r\n", b"=rev"] {
        pair.check("key", value).await;
    }
    for byte in all {
        pair.check("key", [byte]).await;
    }
}

#[tokio::test]
async fn every_byte_in_a_key() {
    let mut pair = Pair::new("flags").await;
    let all: Vec<u8> = (0..=255).filter(|&byte| byte != b'=').collect();
    for key in
        [&all[..], &[&all[..], &all].concat(), b"\r\n", b"$3\r\nabc\r\n", b"set:", b"RMN\0\0\0\0", b" ", b"*"]
    {
        pair.check(key, key).await;
    }
    for &byte in &all {
        pair.check([byte], [byte]).await;
    }
    let reader = pair.join().await;
    assert_eq!(reader.len(), all.len() + 6);
    for byte in all {
        let deleted = pair.writer.delete([byte]).await.unwrap();
        assert_eq!((deleted.applied, deleted.previous.unwrap()), (true, [byte][..].into()));
    }
    assert_eq!(pair.join().await.len(), 6);
}

#[tokio::test]
async fn a_key_with_an_equals_sign_is_refused_wherever_it_stands() {
    let mut pair = Pair::new("flags").await;
    pair.check("key", "value").await;
    let revision = pair.writer.revision();
    for key in [&b"="[..], b"=rev", b"=kind", b"a=", b"a=b", b"\xff="] {
        let map = &pair.writer;
        for refused in [
            map.set(key, "x").await.map(drop),
            map.set_and_wait(key, "x").await.map(drop),
            map.set_if_not_exists(key, "x").await.map(drop),
            map.test_and_set(key, "x", "x").await.map(drop),
            map.delete(key).await.map(drop),
            map.test_and_delete(key, "x").await.map(drop),
            map.test_and_reset([(key, "x")]).await.map(drop),
            map.inc(key, 1).await.map(drop),
            map.append_values(key, ["x"]).await.map(drop),
            map.append_unique_values(key, ["x"]).await.map(drop),
            map.remove_values(key, ["x"]).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(
                matches!(error, Error::InvalidKey { .. }) && error.outcome() == Some(Outcome::Rejected),
                "{error}"
            );
        }
        assert!(!map.contains(key) && map.get(key).is_none());
    }
    assert!(matches!(pair.writer.set("", "x").await, Err(Error::InvalidKey { .. })));
    assert!(pair.published().is_empty());
    pair.writer.sync().await.unwrap();
    assert_eq!((pair.writer.revision(), pair.writer.len()), (revision, 1));
}

#[tokio::test]
async fn an_empty_value_is_a_value() {
    let mut pair = Pair::new("flags").await;
    pair.check("key", "").await;
    pair.check("key", "text").await;
    pair.check("key", "").await;
    let map = &pair.writer;
    assert!(!map.set_if_not_exists("key", "x").await.unwrap().applied);
    let swapped = map.test_and_set("key", "", "x").await.unwrap();
    assert_eq!((swapped.applied, swapped.previous.unwrap()), (true, "".into()));
    let unmet = map.test_and_set("missing", "", "x").await.unwrap();
    assert_eq!((unmet.applied, unmet.previous), (false, None));
    map.set("key", "").await.unwrap();
    assert!(map.test_and_reset([("key", "")]).await.unwrap().applied);
    assert!(!map.test_and_reset([("key", "")]).await.unwrap().applied);
}

#[tokio::test]
async fn conditions_compare_every_byte() {
    let pair = Pair::new("flags").await;
    let map = &pair.writer;
    let all: Vec<u8> = (0..=255).collect();
    let mut other = all.clone();
    other[255] = 0;
    map.set("key", &all).await.unwrap();
    assert!(!map.test_and_set("key", &other, "x").await.unwrap().applied);
    assert!(!map.test_and_delete("key", &other).await.unwrap().applied);
    assert!(!map.test_and_reset([("key", &other)]).await.unwrap().applied);
    let swapped = map.test_and_set("key", &all, &other).await.unwrap();
    assert_eq!((swapped.applied, swapped.previous.unwrap()), (true, all[..].into()));
    assert!(map.test_and_delete("key", &other).await.unwrap().applied);
}
