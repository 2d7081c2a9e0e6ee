//! Names of maps.

use integration_tests::Server;
use redis::cmd;
use rmap_client::{Client, Error, Outcome};

use crate::pair::Pair;

#[tokio::test]
async fn names_of_every_kind() {
    let longest = "ü".repeat(512);
    let texts = [
        "{tag}flags",
        "flags-{tag}:x",
        "{}",
        "{{a}}",
        "färbung",
        "旗",
        "😀",
        "a=b",
        "=",
        ":",
        "a:b:content",
        "a:updates",
        "\r\n",
        "\t\"'\\",
        "%s",
        "~&+@",
        "message",
        "subscribe",
        &longest,
    ];
    // None of these is UTF-8.
    let bytes: [&[u8]; 3] = [b"\xff\xfe", b"a\xc3{t\x80}", b"message\xff"];
    for name in texts.map(str::as_bytes).into_iter().chain(bytes) {
        let mut pair = Pair::new(name).await;
        assert_eq!(pair.writer.name().as_bytes(), name);
        pair.check("key", name).await;
        pair.check("other", "").await;
        let keys: Vec<Vec<u8>> = cmd("KEYS").arg("*").query(&mut pair.raw).unwrap();
        assert_eq!(keys, [[b"map:", name, b":content"].concat()]);
        assert_eq!(pair.join().await.len(), 2);
    }
}

#[tokio::test]
async fn names_that_contain_each_other_are_different_maps() {
    let server = Server::start();
    let names = ["a", "a:content", "a:updates", "a:sync:x", "a:updates:content", "A", "a=", "map:a"];
    let client = Client::connect(server.url()).await.unwrap();
    let mut maps = Vec::new();
    for name in names {
        maps.push(client.map(name).join().await.unwrap());
    }
    for map in &maps {
        map.set_and_wait("name", map.name().as_bytes()).await.unwrap();
    }
    for (map, name) in maps.iter().zip(names) {
        map.sync().await.unwrap();
        assert_eq!((map.get("name").unwrap(), map.len()), (name.into(), 1));
        assert_eq!(map.status().resyncs(), 0, "{name}");
    }
}

#[tokio::test]
async fn bad_names_are_refused_before_anything_is_sent() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let long = "x".repeat(513);
    for name in ["", " ", "a b", "a\0b", "*", "a?", "[a", "a]", &long] {
        let error = client.map(name).join().await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidName { .. }) && error.outcome() == Some(Outcome::Rejected),
            "{error}"
        );
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
