//! Joins of small maps in one step and of large maps by scan, with binary content.

use std::collections::BTreeMap;

use fastrand::Rng;
use integration_tests::{Server, calls, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Map, MapName, MapSettings};

use crate::pair::join;

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// Fields with arbitrary bytes, as any program may have written them.
fn random(rng: &mut Rng, count: usize) -> Content {
    let mut content = Content::new();
    while content.len() < count {
        let length = rng.usize(..40);
        let mut bytes = |length: usize| -> Vec<u8> { (0..length).map(|_| rng.u8(..)).collect() };
        let (mut key, value) = (bytes(1 + length), bytes(content.len() % 300));
        key.iter_mut().for_each(|byte| *byte = if *byte == b'=' { 0 } else { *byte });
        content.insert(key, value);
    }
    content
}

fn fill(raw: &mut Connection, name: &str, content: &Content) {
    let mut fill = cmd("HSET");
    fill.arg(&MapName::new(name).unwrap().hash_key()[..]).arg("=rev").arg(7).arg("=kind").arg("set");
    for (key, value) in content {
        fill.arg(key).arg(value);
    }
    let _: i64 = fill.query(raw).unwrap();
}

fn content(map: &Map) -> Content {
    map.view().iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn rng() -> Rng {
    let seed = std::env::var("RMAP_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_SEED={seed} cargo test -p integration-tests --test values joins");
    Rng::with_seed(seed)
}

#[tokio::test]
async fn a_small_map_is_read_in_one_step_and_a_large_one_scanned() {
    let server = Server::start();
    let (mut raw, mut rng) = (server.connection(), rng());
    for (name, count, scanned) in [("small", 998, false), ("limit", 1500, true), ("large", 20_000, true)] {
        let before = calls(&mut raw, "hscan");
        let expected = random(&mut rng, count);
        fill(&mut raw, name, &expected);
        let map = join(&server, name.as_bytes()).await;
        assert_eq!(calls(&mut raw, "hscan") > before, scanned, "{name}");
        assert!(content(&map) == expected, "{name}");
        assert_eq!((map.len(), map.revision().unwrap().get()), (count, 7));

        // The map follows from there on.
        let (key, value) = expected.first_key_value().unwrap();
        let deleted = must_end(map.delete(key)).await.unwrap();
        assert_eq!(deleted.previous.unwrap(), value[..]);
        must_end(map.wait_for(deleted.revision)).await.unwrap();
        assert!(!map.contains(key));
        assert_eq!(map.status().resyncs(), 0);
    }
}

#[tokio::test]
async fn few_long_values_are_scanned_too() {
    let server = Server::start();
    let mut raw = server.connection();
    let expected: Content = (0..5).map(|index| (vec![index, 0xff], vec![index; 1 << 20])).collect();
    fill(&mut raw, "flags", &expected);
    let map = join(&server, b"flags").await;
    assert!(calls(&mut raw, "hscan") > 0);
    assert!(content(&map) == expected);
}

#[tokio::test]
async fn words_of_the_protocol_are_data_in_every_kind_of_join() {
    // With tables instead of lists, pages are small and begin with any field.
    let server = Server::builder().arg("--hash-max-listpack-entries").arg("0").start();
    let mut raw = server.connection();
    let scanned = MapSettings::default().small_map(0, 0).page_fields(1);
    let client = Client::builder().connect(server.url()).await.unwrap();
    let scanning = Client::builder().maps(scanned).connect(server.url()).await.unwrap();
    for &word in crate::words::WORDS {
        for others in 0..8 {
            let name = format!("{word}-{others}");
            let mut expected = Content::from([(word.into(), word.into())]);
            expected.extend((0..others).map(|other| (format!("{word}{other}").into(), word.into())));
            for with_revision in [false, true] {
                fill(&mut raw, &name, &expected);
                if !with_revision {
                    let key = MapName::new(&name).unwrap().hash_key();
                    let _: i64 = cmd("HDEL").arg(&key[..]).arg("=rev").arg("=kind").query(&mut raw).unwrap();
                }
                for client in [&client, &scanning] {
                    let map = must_end(client.map(&name).join()).await.unwrap();
                    assert_eq!(content(&map), expected, "{name}");
                    // The next answer on the connection belongs to the next request.
                    let written = map.set_if_not_exists(word, "x").await.unwrap();
                    assert_eq!((written.applied, written.previous.unwrap()), (false, word.into()));
                }
            }
        }
    }
}
