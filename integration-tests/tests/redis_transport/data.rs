//! Scripts, their data, and the result of a check.

use std::collections::BTreeSet;

use integration_tests::Server;
use redis::cmd;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{CheckError, Event, Transport};
use rmap_proto::{MapName, Notification, Read, ReadReply};

use super::support::{connect, get, inc, map, message, run, set, snapshot};

#[tokio::test]
async fn every_byte_survives_in_values_keys_and_messages() {
    let server = Server::start();
    let transport = connect(&server).await;
    let map = MapName::new("färbung-{tag}").unwrap();
    let updates = map.updates_channel();
    assert_eq!(transport.next_event().await, Event::Connected { connection: 1 });
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    let value: Vec<u8> = (0..=255).chain(*b"\r\n$3\r\n").collect();
    let key: Vec<u8> = (0..=255).filter(|&byte| byte != b'=').collect();
    for value in [value, Vec::new(), vec![0xfe; 1 << 20]] {
        run(&transport, &map, set(&key, &value)).await.unwrap();
        let again = run(&transport, &map, set(&key, &value)).await.unwrap();
        assert_eq!(again.previous.as_deref(), Some(&value[..]));
        for _ in 0..2 {
            let payload = message(&transport, &updates).await;
            let decoded = Notification::decode(&payload).unwrap();
            assert!(payload.windows(key.len()).any(|window| window == key), "{decoded:?}");
            assert!(payload.windows(value.len().max(1)).any(|window| value.is_empty() || window == value));
        }
        assert_eq!(get(&transport, &map, &key).await.as_deref(), Some(&value[..]));
    }
}

#[tokio::test]
async fn data_that_looks_like_messages_shifts_no_replies() {
    let server = Server::start();
    let transport = connect(&server).await;
    let words =
        ["message", "pmessage", "smessage", "subscribe", "unsubscribe", "psubscribe", "pubsub", "invalidate"];
    for (counted, word) in (1..).zip(words) {
        // The maps are small, so a page has two or four elements, and the first may be the word.
        for others in 0..3 {
            let map = MapName::new(format!("{word}-{others}")).unwrap();
            run(&transport, &map, set(word, word)).await.unwrap();
            for other in 0..others {
                run(&transport, &map, set(format!("other-{other}"), word)).await.unwrap();
            }
            let mut raw = server.connection();
            // The reserved fields would come first in a small hash, so they are removed.
            let _: i64 =
                cmd("HDEL").arg(&map.hash_key()[..]).arg("=rev").arg("=kind").query(&mut raw).unwrap();
            let page = Read::Page { cursor: 0, count: 100 };
            let Ok(ReadReply::Page(page)) = transport.read(&map, &page).await else {
                panic!("page of {word}")
            };
            let keys: BTreeSet<_> = page.entries.content.iter().map(|(key, _)| key.clone()).collect();
            assert_eq!(keys.len(), others + 1);
            assert!(keys.contains(word.as_bytes()));
            assert!(page.entries.content.iter().all(|(_, value)| value == word));
            assert_eq!(snapshot(&transport, &map).await.content.unwrap().content.len(), others + 1);
            let again = run(&transport, &map, set(word, word)).await.unwrap();
            assert_eq!(again.previous.as_deref(), Some(word.as_bytes()));
        }
        let counter = MapName::new("counter").unwrap();
        let count = run(&transport, &counter, inc("n")).await.unwrap();
        assert_eq!(count.value.unwrap(), counted.to_string());
    }
}

#[tokio::test]
async fn a_forgotten_script_is_run_once() {
    let server = Server::start();
    let transport = connect(&server).await;
    let map = map();
    let mut raw = server.connection();
    for count in 1..=20 {
        let _: () = cmd("SCRIPT").arg("FLUSH").query(&mut raw).unwrap();
        let written = run(&transport, &map, inc("n")).await.unwrap();
        assert_eq!(written.value.unwrap(), count.to_string());
    }
}

#[tokio::test]
async fn checks_name_what_is_missing() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    let map = map();
    transport.check(&map).await.unwrap();
    let list = MapName::new("list").unwrap();
    let _: i64 = cmd("RPUSH").arg(&list.hash_key()[..]).arg("x").query(&mut raw).unwrap();
    let error = transport.check(&list).await.unwrap_err();
    assert_eq!(error, CheckError::WrongType { key: "map:list:content".to_owned() });
    transport.check(&MapName::new(b"\xff").unwrap()).await.unwrap();
    for (rules, missing) in
        [(&["-evalsha"][..], "+evalsha"), (&["-hset"], "+hset"), (&["resetkeys"], "~map:colours:content")]
    {
        let user = ["SETUSER", "alice", "reset", "on", ">pw", "~*", "&*", "+@all"];
        let _: () = cmd("ACL").arg(&user).arg(rules).query(&mut raw).unwrap();
        let url = server.url_for_user("alice", "pw");
        let transport = RedisTransport::connect(RedisOptions::from_url(&url).unwrap()).await.unwrap();
        let Err(CheckError::MissingRights { rights }) = transport.check(&map).await else { panic!() };
        assert_eq!(rights, [missing]);
    }
}
