//! A reset is a command to services. It is emitted exactly once, even if it happened while the map was away.

use std::time::Duration;

use integration_tests::{Proxy, Server, eventually_async, must_end};
use redis::{Connection, pipe};
use rmap_client::{Client, EventKind, Events, Map, MapSettings, Phase};

use crate::support::{content, live, stored};

/// A map behind a proxy, which sends no requests by itself, and a map without a proxy.
struct Scene {
    raw: Connection,
    proxy: Proxy,
    map: Map,
    other: Map,
    events: Events,
    _server: Server,
}

impl Scene {
    async fn new(config: MapSettings) -> Self {
        let server = Server::start();
        let proxy = Proxy::new(&server).await;
        let quiet = config.probe_interval(Duration::from_secs(3600));
        let (map, other) = (join(&proxy.url(), &quiet).await, join(&server.url(), &quiet).await);
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        must_end(map.set_and_wait("b", "1")).await.unwrap();
        let events = map.subscribe();
        Self { raw: server.connection(), proxy, map, other, events, _server: server }
    }

    /// Runs something while the map has no connection.
    async fn while_away<R>(&mut self, happens: impl AsyncFnOnce(&Map, &mut Connection) -> R) {
        self.proxy.refuse();
        self.proxy.cut(None);
        eventually_async("the map knows", || self.map.status().phase() == Phase::Disconnected).await;
        happens(&self.other, &mut self.raw).await;
        self.proxy.heal();
        live(&self.map).await;
        assert_eq!(content(&self.map), stored(&mut self.raw));
    }

    /// The strongest event since the last call, up to that of a final write.
    async fn emitted(&mut self) -> EventKind {
        must_end(self.map.set_and_wait("behind", "x")).await.unwrap();
        must_end(self.events.next()).await.unwrap()
    }
}

async fn join(url: &str, config: &MapSettings) -> Map {
    let client = must_end(Client::builder().maps(config.clone()).connect(url)).await.unwrap();
    must_end(client.map("flags").join()).await.unwrap()
}

/// One configuration reads the map in one step, the other in pages.
fn configs() -> [MapSettings; 2] {
    [MapSettings::default(), MapSettings::default().small_map(0, 0)]
}

#[tokio::test]
async fn a_reset_while_away_is_emitted_once() {
    for config in configs() {
        let mut scene = Scene::new(config).await;
        scene.while_away(async |other, _| must_end(other.reset()).await.unwrap()).await;
        assert_eq!(scene.emitted().await, EventKind::Reset);
        scene.while_away(async |_, _| ()).await;
        assert_eq!(scene.emitted().await, EventKind::Changed);

        scene.while_away(async |other, _| must_end(other.destroy()).await.unwrap()).await;
        scene.while_away(async |_, _| ()).await;
        assert_eq!(scene.emitted().await, EventKind::Reset);
        scene.while_away(async |_, _| ()).await;
        assert_eq!(scene.emitted().await, EventKind::Changed);

        let conditional = async |other: &Map, _: &mut Connection| {
            assert!(must_end(other.test_and_reset([("behind", "x")])).await.unwrap().applied);
        };
        scene.while_away(conditional).await;
        assert_eq!(scene.emitted().await, EventKind::Reset);
    }
}

/// A Go peer resets a map that is already empty.
#[tokio::test]
async fn a_reset_of_an_empty_map_while_away_is_emitted() {
    let mut scene = Scene::new(MapSettings::default()).await;
    must_end(scene.map.reset()).await.unwrap();
    assert_eq!(scene.emitted().await, EventKind::Reset);
    must_end(scene.map.delete("behind")).await.unwrap();
    must_end(scene.map.sync()).await.unwrap();
    must_end(scene.events.next()).await.unwrap();
    let revision = scene.map.revision().unwrap().get();
    scene
        .while_away(async |_, raw| {
            let key = "map:flags:content";
            let revision = (revision + 1).to_string();
            pipe()
                .atomic()
                .cmd("DEL")
                .arg(key)
                .cmd("HSET")
                .arg(key)
                .arg(&["=rev", &revision, "=kind", "reset"])
                .cmd("PUBLISH")
                .arg("map:flags:updates")
                .arg(format!("reset:{revision}"))
                .exec(raw)
                .unwrap();
        })
        .await;
    assert_eq!(scene.emitted().await, EventKind::Reset);
}

/// A Go peer cannot detect the reset either.
#[tokio::test]
async fn a_reset_before_a_later_write_is_a_difference() {
    for config in configs() {
        let mut scene = Scene::new(config).await;
        let both = async |other: &Map, _: &mut Connection| {
            must_end(other.reset()).await.unwrap();
            must_end(other.set("c", "1")).await.unwrap();
        };
        scene.while_away(both).await;
        assert_eq!(scene.emitted().await, EventKind::Deleted);
    }
}

#[tokio::test]
async fn a_reset_whose_notification_was_lost_is_emitted() {
    for config in configs() {
        let mut scene = Scene::new(config).await;
        scene.proxy.lose_message("reset:");
        must_end(scene.other.reset()).await.unwrap();
        must_end(scene.map.sync()).await.unwrap();
        assert_eq!(scene.emitted().await, EventKind::Reset);
        // A repeated notification is one reset.
        scene.proxy.repeat_message("destroy:");
        must_end(scene.other.destroy()).await.unwrap();
        must_end(scene.map.sync()).await.unwrap();
        assert_eq!(must_end(scene.events.next()).await, Some(EventKind::Reset));
        assert_eq!(scene.emitted().await, EventKind::Changed);
    }
}
