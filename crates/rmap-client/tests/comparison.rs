//! A resync compares the new content with the old one in parts. The streams are complete however the comparison ends.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/changes.rs"]
mod changes;

use changes::{Content, content, drain};
use rmap_client::{Changes, Events, Map, MapSettings, MemoryServer};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A map that shows the new content after a lost message and still compares it.
struct Scene {
    server: MemoryServer,
    map: Map,
    /// The content before the first change.
    before: Content,
    changes: Changes,
    events: Events,
}

impl Scene {
    async fn new() -> Self {
        let server = MemoryServer::new();
        let writer = server.client().map("m").join().await.unwrap();
        for number in 0..300 {
            writer.set(format!("key {number}"), "1").await.unwrap();
        }
        let map = server.client().map("m").settings(MapSettings::default().compared(1)).join().await.unwrap();
        let (view, changes) = map.view_and_changes().await;
        let events = map.subscribe();
        server.lose_messages(1);
        writer.set("key 7", "2").await.unwrap();
        map.sync().await.unwrap();
        assert_eq!(map.get("key 7").unwrap(), "2");
        Self { server, map, before: content(&view), changes, events }
    }

    /// Checks that there is an event, and that all changes of the stream lead to the map's content.
    async fn check(mut self) {
        assert!(self.events.next().await.is_some());
        follows(self.before, &mut self.changes, &self.map).await;
    }
}

async fn follows(mut folded: Content, changes: &mut Changes, map: &Map) {
    drain(&mut folded, changes).await;
    assert!(folded == content(&map.view()), "the changes do not lead to what is shown");
}

#[test]
fn the_map_closes_meanwhile() {
    runtime().block_on(async {
        let scene = Scene::new().await;
        scene.map.close().await;
        scene.check().await;
    });
}

#[test]
fn the_runtime_ends_meanwhile() {
    let first = runtime();
    let scene = first.block_on(Scene::new());
    drop(first);
    runtime().block_on(scene.check());
}

#[test]
fn a_stream_begins_and_writes_go_on_meanwhile() {
    runtime().block_on(async {
        let scene = Scene::new().await;
        let (view, mut changes) = scene.map.view_and_changes().await;
        let begin = content(&view);
        let writer = scene.server.client().map("m").join().await.unwrap();
        for number in 0..10 {
            writer.set(format!("key {number}"), "3").await.unwrap();
        }
        writer.delete("key 10").await.unwrap();
        scene.map.sync().await.unwrap();
        scene.map.close().await;
        follows(begin, &mut changes, &scene.map).await;
        scene.check().await;
    });
}
