//! Waits across lives of the hash. The next life begins below the revision of a map that was written faster than once a
//! millisecond. So do a life that a Go peer begins, and a restored copy.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use integration_tests::{Direction, Proxy, Server, Side, must_end};
use redis::{Connection, cmd, pipe};
use rmap_client::{Client, Error, Map, MapSettings, Revision};

use crate::support::{content, stored};

const HASH: &str = "map:flags:content";

/// Begins a life far ahead of the server's clock, as after 100,000 writes in a second.
fn begin_ahead(raw: &mut Connection) {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let revision = (clock + 100_000).to_string();
    cmd("HSET").arg(HASH).arg(&["=rev", &revision, "=kind", "set", "a", "1", "old", "x"]).exec(raw).unwrap();
}

/// A map behind a proxy, and a map without one. Neither sends requests by itself.
struct Scene {
    raw: Connection,
    proxy: Proxy,
    map: Map,
    other: Map,
    _server: Server,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start();
        let (mut raw, proxy) = (server.connection(), Proxy::new(&server).await);
        begin_ahead(&mut raw);
        let (map, other) = (join(&proxy.url()).await, join(&server.url()).await);
        Self { raw, proxy, map, other, _server: server }
    }

    /// Holds back all messages to the map until [`Proxy::heal`].
    fn stall(&self) {
        self.proxy.stall(Side::Subscriber, Direction::Replies);
    }

    /// Waits on the map, and heals the proxy meanwhile. Afterwards the map must show the new life.
    async fn wait_for(&mut self, revision: Option<Revision>) {
        let waiting = async {
            let waited = self.map.wait_for(revision).await;
            assert!(!self.map.contains("old"), "the old life is shown");
            waited.unwrap();
        };
        must_end(async { tokio::join!(biased; waiting, async { self.proxy.heal() }) }).await;
        assert_eq!(content(&self.map), stored(&mut self.raw));
    }
}

async fn join(url: &str) -> Map {
    let quiet = MapSettings::default().probe_interval(Duration::from_secs(3600));
    let client = must_end(Client::builder().maps(quiet).connect(url)).await.unwrap();
    must_end(client.map("flags").join()).await.unwrap()
}

/// Performs one kind of write, each of which applies to a missing hash. `None` if there is no such kind.
async fn write(map: &Map, kind: usize) -> Option<Revision> {
    match kind {
        0 => Some(map.set("b", "2").await.unwrap().revision),
        1 => map.set_if_not_exists("a", "1").await.unwrap().revision,
        2 => Some(map.inc("n", 1).await.unwrap().revision),
        3 => map.append_values("l", ["x"]).await.unwrap().revision,
        4 => map.append_unique_values("l", ["x"]).await.unwrap().revision,
        5 => map.batch().set("a", "1").set("b", "2").inc("n", 1).commit().await.unwrap().revision,
        6 => Some(map.reset().await.unwrap().revision),
        7 => Some(map.destroy().await.unwrap().revision),
        _ => None,
    }
}

#[tokio::test]
async fn no_write_is_taken_for_visible_in_the_life_before_it() {
    let mut kind = 0;
    for other in [false, true] {
        loop {
            let mut scene = Scene::new().await;
            scene.stall();
            cmd("DEL").arg(HASH).exec(&mut scene.raw).unwrap();
            let writer = if other { &scene.other } else { &scene.map };
            let Some(revision) = must_end(write(writer, kind)).await else { break };
            assert!(Some(revision) < scene.map.revision(), "it begins below");
            scene.wait_for(Some(revision)).await;
            kind += 1;
        }
        assert_eq!(kind, 8);
        kind = 0;
    }
}

/// The old life had the same value, so only the revision differs.
#[tokio::test]
async fn a_set_and_wait_is_not_released_by_the_life_before_it() {
    let mut scene = Scene::new().await;
    for _ in 0..10 {
        scene.stall();
        cmd("DEL").arg(HASH).exec(&mut scene.raw).unwrap();
        let mut setting = scene.map.set_and_wait("a", "1");
        while setting.committed().is_none() {
            let polled = tokio::time::timeout(Duration::from_millis(1), &mut setting).await;
            assert!(polled.is_err(), "nothing of the new life has arrived");
        }
        scene.proxy.heal();
        must_end(setting).await.unwrap();
        assert_eq!((scene.map.len(), scene.map.get("a").unwrap()), (1, "1".into()));

        cmd("DEL").arg(HASH).exec(&mut scene.raw).unwrap();
        begin_ahead(&mut scene.raw);
        must_end(scene.map.sync()).await.unwrap();
        assert!(scene.map.contains("old"));
    }
}

#[tokio::test]
async fn a_life_that_a_go_peer_began_at_1_is_waited_for() {
    for own in [false, true] {
        let mut scene = Scene::new().await;
        scene.stall();
        pipe()
            .atomic()
            .cmd("DEL")
            .arg(HASH)
            .cmd("HSET")
            .arg(HASH)
            .arg(&["=rev", "1", "=kind", "set", "k", "new"])
            .cmd("PUBLISH")
            .arg("map:flags:updates")
            .arg(b"set:\x01\0\0\0k\x03\0\0\0new\x01\0\0\x001")
            .exec(&mut scene.raw)
            .unwrap();
        let revision = if own { write(&scene.map, 2).await } else { Revision::new(1) };
        assert_eq!(revision.unwrap().get(), 1 + u64::from(own));
        scene.wait_for(revision).await;
    }
}

#[tokio::test]
async fn a_copy_that_was_put_back_is_waited_for() {
    for own in [false, true] {
        let mut scene = Scene::new().await;
        let _: i64 = cmd("HDEL").arg(HASH).arg("old").query(&mut scene.raw).unwrap();
        let copy: Vec<u8> = cmd("DUMP").arg(HASH).query(&mut scene.raw).unwrap();
        must_end(scene.map.sync()).await.unwrap();
        for key in ["old", "b", "c"] {
            must_end(scene.map.set_and_wait(key, "x")).await.unwrap();
        }
        scene.stall();
        cmd("RESTORE").arg(HASH).arg(0).arg(copy).arg("REPLACE").exec(&mut scene.raw).unwrap();
        let writer = if own { &scene.map } else { &scene.other };
        let revision = must_end(write(writer, 2)).await;
        assert!(revision < scene.map.revision());
        scene.wait_for(revision).await;
    }
}

#[tokio::test]
async fn a_wait_for_a_life_that_has_ended_says_so() {
    let mut scene = Scene::new().await;
    let last = scene.map.revision().unwrap();
    cmd("DEL").arg(HASH).exec(&mut scene.raw).unwrap();
    let error = must_end(scene.map.wait_for(last)).await.unwrap_err();
    assert!(matches!(&error, Error::HistoryBroken { revision, .. } if *revision == last), "{error}");
    assert!(scene.map.is_empty());
}
