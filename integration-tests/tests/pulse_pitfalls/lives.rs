//! Times to live.

use std::time::Duration;

use integration_tests::{Listener, Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Map, Outcome};

use crate::scene::{HOUR, KEY, hash, pttl, quiet, watchful};

/// Much less than an hour, and much more than the duration of a test.
const LESS: i64 = 1_800_000;

fn leave(raw: &mut Connection, millis: i64) {
    let _: i64 = cmd("PEXPIRE").arg(KEY).arg(millis).query(raw).unwrap();
}

async fn join_short_lived(client: &Client) -> Map {
    must_end(client.map("flags").ttl(Duration::from_millis(200)).join()).await.unwrap()
}

#[tokio::test]
async fn expired_content_disappears_without_a_write() {
    let server = Server::start();
    let map = join_short_lived(&watchful(&server).await).await;
    let listener = Listener::new(&server, map.name().updates_channel());
    let mut changes = map.changes();
    must_end(map.set("k", "v")).await.unwrap();
    assert_eq!(must_end(changes.next()).await.unwrap().new.unwrap(), "v");
    assert_eq!(must_end(changes.next()).await.unwrap().new, None);
    assert_eq!((map.get("k"), map.len()), (None, 0));
    // Nobody wrote a second time.
    assert_eq!(listener.take().len(), 1);
    assert!(hash(&mut server.connection()).is_empty());
}

#[tokio::test]
async fn an_expiry_neither_restarts_the_revisions_nor_strands_live_replicas() {
    let server = Server::start();
    let (client, other_client) = (watchful(&server).await, watchful(&server).await);
    let map = join_short_lived(&client).await;
    let other = must_end(other_client.map("flags").join()).await.unwrap();
    let mut last = None;
    for value in ["first life", "second life", "third life"] {
        let mut changes = other.changes();
        let written = must_end(map.set("k", value)).await.unwrap();
        assert!(Some(written.revision) > last && written.revision.get() > 1_000_000_000_000);
        last = Some(written.revision);
        // The other replica sees the first write of the new life, and its end.
        assert_eq!(must_end(changes.next()).await.unwrap().new.unwrap(), value);
        assert_eq!(must_end(changes.next()).await.unwrap().new, None);
        eventually_async("both are empty", || map.revision().is_none() && other.revision().is_none()).await;
    }
}

#[tokio::test]
async fn a_life_begun_by_hand_at_1_strands_nobody() {
    let server = Server::start();
    let map = must_end(watchful(&server).await.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("k", "v")).await.unwrap();
    // A Go peer writes this after an expiry.
    let mut raw = server.connection();
    redis::pipe()
        .atomic()
        .cmd("DEL")
        .arg(KEY)
        .cmd("HSET")
        .arg(KEY)
        .arg(&["=rev", "1", "=kind", "set", "k", "new life"])
        .cmd("PUBLISH")
        .arg("map:flags:updates")
        .arg(b"set:\x01\0\0\0k\x08\0\0\0new life\x01\0\0\x001")
        .exec(&mut raw)
        .unwrap();
    eventually_async("the map follows", || map.get("k").is_some_and(|value| value == "new life")).await;
    assert_eq!(map.revision().unwrap().get(), 1);
}

#[tokio::test]
async fn the_time_to_live_is_set_by_the_script_itself() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let client = must_end(quiet().connect(proxy.url())).await.unwrap();
    let mut raw = server.connection();
    for sliding in [false, true] {
        let map = client.map("flags");
        let map = if sliding { map.sliding_ttl(HOUR) } else { map.ttl(HOUR) };
        let map = must_end(map.join()).await.unwrap();
        must_end(map.set("k", "v")).await.unwrap();
        cmd("PERSIST").arg(KEY).exec(&mut raw).unwrap();
        // If a process ended between a write and a second command, the hash would never expire.
        proxy.lose_reply("a dying process");
        assert!(
            must_end(map.set("k", "a dying process")).await.unwrap_err().outcome()
                == Some(Outcome::Indeterminate)
        );
        assert!(pttl(&mut raw) > LESS, "sliding: {sliding}");
        cmd("DEL").arg(KEY).exec(&mut raw).unwrap();
        // The map has reconnected.
        must_end(map.sync()).await.unwrap();
    }
}

#[tokio::test]
async fn an_absolute_time_to_live_is_not_restarted_by_reset() {
    let server = Server::start();
    let client = must_end(quiet().connect(server.url())).await.unwrap();
    let map = must_end(client.map("flags").ttl(HOUR).join()).await.unwrap();
    let mut raw = server.connection();
    must_end(map.set("k", "v")).await.unwrap();
    leave(&mut raw, LESS);
    assert!(must_end(map.test_and_reset([("k", "v")])).await.unwrap().applied);
    assert!((1..=LESS).contains(&pttl(&mut raw)));
    must_end(map.reset()).await.unwrap();
    assert!((1..=LESS).contains(&pttl(&mut raw)));
    must_end(map.destroy()).await.unwrap();
    assert!((1..=LESS).contains(&pttl(&mut raw)));
}

#[tokio::test]
async fn a_sliding_time_to_live_is_not_refreshed_by_failed_conditional_writes() {
    let server = Server::start();
    let client = must_end(quiet().connect(server.url())).await.unwrap();
    let map = must_end(client.map("flags").sliding_ttl(HOUR).join()).await.unwrap();
    let mut raw = server.connection();
    must_end(map.set("k", "a")).await.unwrap();
    assert!(pttl(&mut raw) > LESS);
    leave(&mut raw, LESS);
    let before = hash(&mut raw);
    let attempts = [
        must_end(map.set_if_not_exists("k", "b")).await.unwrap().applied,
        must_end(map.test_and_set("k", "x", "b")).await.unwrap().applied,
        must_end(map.test_and_delete("k", "x")).await.unwrap().applied,
        must_end(map.test_and_reset([("k", "x")])).await.unwrap().applied,
        must_end(map.delete("missing")).await.unwrap().applied,
        must_end(map.append_unique_values("k", ["a"])).await.unwrap().applied,
        must_end(map.remove_values("k", ["x"])).await.unwrap().applied,
    ];
    assert_eq!(attempts, [false; 7]);
    assert!((1..=LESS).contains(&pttl(&mut raw)));
    assert_eq!(hash(&mut raw), before);
    must_end(map.test_and_set("k", "a", "b")).await.unwrap();
    assert!(pttl(&mut raw) > LESS);
}
