//! A key that holds another type than a hash.

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Error, EventKind, Outcome};

use crate::support::{client, every_write, join, one_line};

const KEY: &str = "map:flags:content";

/// Commands that give the key another type.
const OTHERS: [&[&str]; 5] = [
    &["SET", KEY, "text"],
    &["RPUSH", KEY, "item"],
    &["SADD", KEY, "member"],
    &["ZADD", KEY, "1", "member"],
    &["XADD", KEY, "1-1", "field", "value"],
];

fn run(raw: &mut Connection, command: &[&str]) {
    let _: redis::Value = cmd(command[0]).arg(&command[1..]).query(raw).unwrap();
}

fn dump(raw: &mut Connection) -> Vec<u8> {
    cmd("DUMP").arg(KEY).query(raw).unwrap()
}

#[tokio::test]
async fn a_join_names_it() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = must_end(client().connect(server.url())).await.unwrap();
    for command in OTHERS {
        run(&mut raw, &["DEL", KEY]);
        run(&mut raw, command);
        let before = dump(&mut raw);
        let error = must_end(client.map("flags").join()).await.unwrap_err();
        assert!(
            matches!(error, Error::WrongType { .. }) && error.outcome() == Some(Outcome::Rejected),
            "{error}"
        );
        assert_eq!(error.to_string(), "map flags: the key map:flags:content does not hold a hash");
        assert_eq!(dump(&mut raw), before);
    }
    run(&mut raw, &["DEL", KEY]);
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    // A client that joined the map before detects the type as fast.
    run(&mut raw, &["DEL", KEY]);
    run(&mut raw, OTHERS[0]);
    let error = must_end(client.map("flags").join()).await.unwrap_err();
    assert!(matches!(error, Error::WrongType { .. }), "{error}");
}

#[tokio::test]
async fn writes_name_it_when_it_becomes_one_and_the_map_recovers() {
    let server = Server::start();
    let mut raw = server.connection();
    let map = join(server.url()).await;
    for command in OTHERS {
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        let mut events = map.subscribe();
        run(&mut raw, &["DEL", KEY]);
        run(&mut raw, command);
        let before = dump(&mut raw);
        for (operation, outcome) in every_write(&map).await {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::WrongType { .. }), "{operation}: {error}");
            assert_eq!(error.outcome(), Some(Outcome::Rejected));
            one_line(&error);
        }
        assert_eq!(dump(&mut raw), before);
        eventually_async("the map knows", || !map.status().is_live()).await;
        run(&mut raw, &["DEL", KEY]);
        while must_end(events.next()).await != Some(EventKind::Reset) {}
        eventually_async("the map is live", || map.status().is_live()).await;
        assert_eq!((map.len(), map.revision()), (0, None));
    }
}
