//! Names of maps.

use integration_tests::{Server, must_end};
use redis::cmd;
use rmap_client::{Client, Error};

use crate::pair::{Pair, join};

#[tokio::test]
async fn names_of_every_kind() {
    let longest = "ü".repeat(512);
    for name in [
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
    ] {
        let mut pair = Pair::new(name).await;
        assert_eq!(pair.writer.name().as_bytes(), name.as_bytes());
        pair.check("key", name).await;
        pair.check("other", "").await;
        let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut pair.raw).unwrap();
        assert_eq!(keys, [format!("map:{name}:content")]);
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
        assert!(matches!(error, Error::InvalidName { .. }) && error.is_rejected(), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

/// fred takes channels for text; so much is said rather than half done.
#[tokio::test]
async fn a_name_that_is_not_text_is_refused_by_the_transport() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let error = client.map(b"\xff\xfe").join().await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("UTF-8"), "{error}");
    let map = join(&server, b"flags").await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
}
