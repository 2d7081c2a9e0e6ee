//! The longest keys and values.

use integration_tests::{Server, calls};
use redis::cmd;
use rmap_client::{Client, Error, Outcome};

use crate::pair::{Pair, holds};

const MIB: usize = 1 << 20;

/// Bytes of this length, different in every part.
fn long(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + index / 256 * 7 + index / 65_536) as u8).collect()
}

#[tokio::test]
async fn a_mebibyte_passes_through_every_layer() {
    let mut pair = Pair::new("flags").await;
    let value = long(MIB);
    pair.check("key", &value).await;
    pair.check("key", [&value[1..], b"!"].concat()).await;
    let swapped = pair.writer.test_and_set("key", [&value[1..], b"!"].concat(), &value).await.unwrap();
    assert!(swapped.applied);
    // The map is too large for a read in one step.
    holds(&pair.join().await, b"key", &value);
}

/// The answer to a write carries the key's previous value, and one large answer would hold up the server.
#[tokio::test]
async fn writes_of_keys_with_large_values_are_not_sent_together() {
    const KEYS: u64 = 16;
    let server = Server::start();
    let mut raw = server.connection();
    let map = Client::connect(server.url()).await.unwrap().map("flags").join().await.unwrap();
    for number in 0..KEYS {
        map.set_and_wait(format!("k{number}"), long(MIB / 8)).await.unwrap();
    }
    let () = cmd("CONFIG").arg("RESETSTAT").query(&mut raw).unwrap();
    let delete = |number| {
        let map = map.clone();
        tokio::spawn(async move { map.delete(format!("k{number}")).await })
    };
    let deletes: Vec<_> = (0..KEYS).map(delete).collect();
    for delete in deletes {
        assert_eq!(delete.await.unwrap().unwrap().previous.unwrap(), *long(MIB / 8));
    }
    let scripts = calls(&mut raw, "evalsha");
    assert!(scripts >= KEYS, "{scripts} scripts");
}

#[tokio::test]
async fn the_longest_value_is_accepted_and_one_byte_more_refused() {
    let mut pair = Pair::new("flags").await;
    let mut value = long(16 * MIB);
    pair.check("key", &value).await;
    holds(&pair.join().await, b"key", &value);

    value.push(0);
    let map = &pair.writer;
    for refused in [
        map.set("key", &value).await.map(drop),
        map.set_and_wait("key", &value).await.map(drop),
        map.set_if_not_exists("other", &value).await.map(drop),
        map.test_and_set("key", "x", &value).await.map(drop),
        map.append_values("other", ["x".repeat(value.len())]).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
        let Error::ValueTooLong { length, limit, .. } = error else { panic!("{error}") };
        assert_eq!((length, limit), (value.len(), 16 * MIB));
    }
    assert!(pair.published().is_empty());
    holds(&pair.reader, b"key", &value[..16 * MIB]);
}

#[tokio::test]
async fn the_longest_key_is_accepted_and_one_byte_more_refused() {
    let mut pair = Pair::new("flags").await;
    let mut key = vec![b'k'; MIB];
    pair.check(&key, "value").await;
    holds(&pair.join().await, &key, b"value");
    key.push(b'k');
    let error = pair.writer.set(&key, "value").await.unwrap_err();
    assert!(matches!(error, Error::KeyTooLong { length, limit: MIB, .. } if length == key.len()), "{error}");
    assert!(error.to_string().len() < 200);
}
