//! The rights of a user. Everything works with exactly these rights, and each missing right is named.

use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Error, Map, MapSettings, Outcome};

use crate::support::{client, every_write, one_line};

/// The minimal rights for the map `flags`. For all maps: `~map:*` and `&map:*`.
const RIGHTS: [&str; 21] = [
    "~map:flags:content",
    "&map:flags:updates",
    "&map:flags:sync:*",
    "+eval",
    "+evalsha",
    "+hdel",
    "+hget",
    "+hgetall",
    "+hkeys",
    "+hlen",
    "+hmget",
    "+hscan",
    "+hset",
    "+hstrlen",
    "+pexpire",
    "+pttl",
    "+publish",
    "+subscribe",
    "+time",
    "+unlink",
    "+unsubscribe",
];

/// Optional rights: detecting failovers and dead connections, and reading a map of many small fields at once.
const USEFUL: [&str; 4] = ["+client|id", "+info", "+memory|usage", "+ping"];

/// Creates the user `service` again, with exactly these rights.
fn grant(raw: &mut Connection, rights: &[&str]) {
    let rules = [&["SETUSER", "service", "reset", "on", ">secret"], rights].concat();
    let () = cmd("ACL").arg(&rules).query(raw).unwrap();
}

async fn connect(server: &Server) -> Client {
    must_end(client().connect(server.url_for_user("service", "secret"))).await.unwrap()
}

fn without<'a>(missing: &[&str], rights: &[&'a str]) -> Vec<&'a str> {
    rights.iter().copied().filter(|right| !missing.contains(right)).collect()
}

/// Checks every operation and every way of joining.
async fn works(client: &Client) {
    let map = |ttl: Option<(bool, Duration)>| match ttl {
        None => client.map("flags"),
        Some((false, ttl)) => client.map("flags").ttl(ttl),
        Some((true, ttl)) => client.map("flags").sliding_ttl(ttl),
    };
    let hour = Duration::from_secs(3600);
    for ttl in [None, Some((false, hour)), Some((true, hour))] {
        let map = must_end(map(ttl).join()).await.unwrap();
        for round in 0..2 {
            for (operation, outcome) in every_write(&map).await {
                assert!(outcome.is_ok(), "{operation} {ttl:?} {round}: {outcome:?}");
            }
        }
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        must_end(map.sync()).await.unwrap();
        // Neither a probe nor a leave has failed.
        let status = map.status();
        assert!(
            status.is_live() && status.resyncs() == 0,
            "{status}, last resync: {:?}",
            status.last_resync()
        );
        must_end(map.close()).await;
        let scanned = client.map("flags").settings(MapSettings::default().small_map(0, 0));
        assert_eq!(must_end(scanned.join()).await.unwrap().get("a").unwrap(), "1");
    }
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.destroy()).await.unwrap();
}

#[tokio::test]
async fn exactly_these_rights_are_enough_for_everything() {
    let server = Server::start();
    let mut raw = server.connection();
    for useful in [&[][..], &USEFUL] {
        // The first round meets a server without the scripts, the second one with them.
        let () = cmd("SCRIPT").arg("FLUSH").query(&mut raw).unwrap();
        grant(&mut raw, &[&RIGHTS, useful].concat());
        let client = connect(&server).await;
        works(&client).await;
        works(&client).await;
        let map = must_end(client.map("flags").join()).await.unwrap();
        assert_eq!(map.status().failover_detection(), useful.contains(&"+info"));
        // Only optional commands were denied.
        let log: Vec<redis::Value> = cmd("ACL").arg("LOG").query(&mut raw).unwrap();
        let log = format!("{log:?}");
        assert!(!log.contains("map:"), "{log}");
        assert!(useful.is_empty() || !log.contains("info") && !log.contains("ping"), "{log}");
        let () = cmd("ACL").arg("LOG").arg("RESET").query(&mut raw).unwrap();
    }
}

#[tokio::test]
async fn each_right_that_is_missing_is_named_at_join() {
    let server = Server::start();
    let mut raw = server.connection();
    grant(&mut raw, &[&RIGHTS, &USEFUL[..]].concat());
    for known in [false, true] {
        for right in RIGHTS {
            if known {
                grant(&mut raw, &[&RIGHTS, &USEFUL[..]].concat());
                let map: Map = must_end(connect(&server).await.map("flags").join()).await.unwrap();
                must_end(map.close()).await;
            } else {
                let () = cmd("SCRIPT").arg("FLUSH").query(&mut raw).unwrap();
            }
            for useful in [&[][..], &USEFUL] {
                grant(&mut raw, &[&without(&[right], &RIGHTS), useful].concat());
                let error = must_end(connect(&server).await.map("flags").join()).await.unwrap_err();
                one_line(&error);
                assert_eq!(error.outcome(), None, "{error}");
                let Error::MissingRights { rights, .. } = &error else { panic!("{right}: {error}") };
                assert_eq!(rights, &[right], "{known}");
                assert_eq!(error.to_string(), format!("map flags cannot be joined: the user lacks {right}"));
            }
        }
    }
}

#[tokio::test]
async fn several_missing_rights_are_named_together() {
    let server = Server::start();
    let mut raw = server.connection();
    let missing = ["+hset", "+publish", "+unlink", "&map:flags:sync:*"];
    grant(&mut raw, &without(&missing, &RIGHTS));
    let error = must_end(connect(&server).await.map("flags").join()).await.unwrap_err();
    let Error::MissingRights { mut rights, .. } = error else { panic!("{error}") };
    rights.sort();
    assert_eq!(rights, ["&map:flags:sync:*", "+hset", "+publish", "+unlink"]);
}

#[tokio::test]
async fn rights_for_one_map_are_none_for_another() {
    let server = Server::start();
    let mut raw = server.connection();
    grant(&mut raw, &RIGHTS);
    let client = connect(&server).await;
    let error = must_end(client.map("other").join()).await.unwrap_err();
    let Error::MissingRights { rights, .. } = error else { panic!("{error}") };
    assert_eq!(rights, ["~map:other:content"]);
    // The missing right disturbs no other map on the same connections.
    works(&client).await;

    let patterns = ["~map:*", "&map:*"];
    grant(&mut raw, &[&RIGHTS[3..], &patterns].concat());
    let client = connect(&server).await;
    works(&client).await;
    let map = must_end(client.map("other").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
}

#[tokio::test]
async fn a_right_withdrawn_later_refuses_writes_and_changes_nothing() {
    let server = Server::start();
    let mut raw = server.connection();
    grant(&mut raw, &RIGHTS);
    let map = must_end(connect(&server).await.map("flags").join()).await.unwrap();
    let written = must_end(map.set_and_wait("a", "1")).await.unwrap();
    for right in ["-hset", "-publish", "-evalsha"] {
        let () = cmd("ACL").arg(&["SETUSER", "service", right]).query(&mut raw).unwrap();
        let error = must_end(map.set("a", "2")).await.unwrap_err();
        assert!(
            matches!(error, Error::Rejected { .. }) && error.outcome() == Some(Outcome::Rejected),
            "{right}: {error}"
        );
        one_line(&error);
        let granted = right.replace('-', "+");
        let () = cmd("ACL").arg(&["SETUSER", "service", &granted]).query(&mut raw).unwrap();
    }
    must_end(map.sync()).await.unwrap();
    assert_eq!((map.get("a").unwrap(), map.revision()), ("1".into(), Some(written.revision)));
}

#[tokio::test]
async fn a_channel_withdrawn_later_is_told_and_repaired_when_it_is_back() {
    let server = Server::start();
    let mut raw = server.connection();
    grant(&mut raw, &RIGHTS);
    let client = connect(&server).await;
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    // The server closes connections that listen to a channel without the right.
    let rules = ["SETUSER", "service", "resetchannels", "&map:flags:updates"];
    let () = cmd("ACL").arg(&rules).query(&mut raw).unwrap();
    eventually_async("the map knows", || !map.status().is_live()).await;
    assert_eq!(map.get("a").unwrap(), "1");
    let _: i64 = cmd("HSET").arg("map:flags:content").arg("b").arg("2").query(&mut raw).unwrap();
    let () = cmd("ACL").arg(&["SETUSER", "service", "&map:flags:sync:*"]).query(&mut raw).unwrap();
    eventually_async("the map is live", || map.status().is_live() && map.len() == 2).await;
    must_end(map.set_and_wait("a", "2")).await.unwrap();
}
