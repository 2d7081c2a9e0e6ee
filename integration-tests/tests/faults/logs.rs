//! Log messages: changes of phase at INFO, entries that disappeared without a write at WARN, and never a value.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Map, MapSettings, Phase};
use tracing::subscriber::DefaultGuard;

use crate::diary::{Diary, Logger};
use crate::support::{HASH, client, run};

const GONE: &str = "all entries are gone: the hash expired, was deleted, or the server lost it";

struct Scene {
    server: Server,
    raw: Connection,
    map: Map,
    log: Diary,
    _logger: DefaultGuard,
}

impl Scene {
    async fn new() -> Self {
        Self::with(MapSettings::default().probe_interval(Duration::from_millis(100))).await
    }

    async fn with(replica: MapSettings) -> Self {
        let logger = Logger::default();
        let (log, guard) = (logger.diary.clone(), logger.listen());
        let server = Server::start();
        let client = must_end(client().maps(replica).connect(server.url())).await.unwrap();
        let map = must_end(client.map("flags").join()).await.unwrap();
        Self { raw: server.connection(), server, map, log, _logger: guard }
    }

    /// Writes three entries whose values must not be logged.
    async fn fill(&self) {
        for key in ["a", "b", "c"] {
            must_end(self.map.set_and_wait(key, "hunter2")).await.unwrap();
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.log.lines().into_iter().filter(|line| line.starts_with("WARN rmap map=flags:")).collect()
    }
}

#[tokio::test]
async fn entries_that_went_without_a_write_are_a_warning_that_counts_them() {
    let mut scene = Scene::new().await;
    type Loss = (&'static str, fn(&mut Scene));
    let losses: [Loss; 5] = [
        ("expiry", |scene| _ = run(&mut scene.raw, &["PEXPIRE", HASH, "1"])),
        ("FLUSHALL", |scene| _ = run(&mut scene.raw, &["FLUSHALL"])),
        ("DEL", |scene| _ = run(&mut scene.raw, &["DEL", HASH])),
        ("RENAME", |scene| _ = run(&mut scene.raw, &["RENAME", HASH, "elsewhere"])),
        ("an empty server", |scene| {
            scene.server.restart();
            scene.raw = scene.server.connection();
        }),
    ];
    for (number, (name, lose)) in losses.into_iter().enumerate() {
        scene.fill().await;
        lose(&mut scene);
        eventually_async("the map is empty", || scene.map.is_empty() && scene.map.status().is_live()).await;
        let expected = format!("WARN rmap map=flags: {GONE} entries=3");
        assert_eq!(scene.warnings(), vec![expected; number + 1], "{name}");
    }
    assert!(!scene.log.has("hunter2"));
}

/// A write finds no hash before a probe does.
#[tokio::test]
async fn a_hash_that_is_begun_again_is_a_warning() {
    let mut scene = Scene::with(MapSettings::default().probe_interval(Duration::from_secs(3600))).await;
    scene.fill().await;
    run(&mut scene.raw, &["DEL", HASH]);
    must_end(scene.map.set_and_wait("d", "hunter2")).await.unwrap();
    assert_eq!(scene.map.len(), 1);
    let expected = format!("WARN rmap map=flags: {GONE}, and a write began it again entries=3");
    assert_eq!(scene.warnings(), [expected]);
}

/// A server that came back empty was written to before this replica followed it again.
#[tokio::test]
async fn a_content_without_any_key_that_was_there_is_a_warning() {
    let mut scene = Scene::new().await;
    scene.fill().await;
    let later = scene.map.revision().unwrap().get() + 1000;
    let mut others = redis::pipe();
    others.atomic().del(HASH).ignore();
    others
        .cmd("HSET")
        .arg(HASH)
        .arg("other")
        .arg("x")
        .arg("=rev")
        .arg(later)
        .arg("=kind")
        .arg("set")
        .ignore();
    others.exec(&mut scene.raw).unwrap();
    eventually_async("the other content", || scene.map.get("other").is_some()).await;
    let lost = "all entries are gone: other ones took their place while the replica did not follow";
    assert_eq!(scene.warnings(), [format!("WARN rmap map=flags: {lost} entries=3 now=1")]);
}

#[tokio::test]
async fn a_server_that_went_back_is_a_warning() {
    let mut scene = Scene::new().await;
    must_end(scene.map.set_and_wait("a", "1")).await.unwrap();
    let copy: Vec<u8> = cmd("DUMP").arg(HASH).query(&mut scene.raw).unwrap();
    let before = scene.map.revision().unwrap();
    scene.fill().await;
    let after = scene.map.revision().unwrap();
    let _: () = cmd("RESTORE").arg(HASH).arg(0).arg(copy).arg("REPLACE").query(&mut scene.raw).unwrap();
    eventually_async("the older content", || scene.map.len() == 1).await;
    let lost = "the server went back to an older content: writes are lost";
    let expected = format!("WARN rmap map=flags: {lost} before=3 now=1 local={after} server={before}");
    assert_eq!(scene.warnings(), [expected]);
}

#[tokio::test]
async fn what_a_write_removes_is_no_warning() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        scene.fill().await;
        must_end(scene.map.delete("a")).await.unwrap();
        must_end(scene.map.test_and_reset([("b", "hunter2")])).await.unwrap();
        scene.fill().await;
        must_end(scene.map.reset()).await.unwrap();
        scene.fill().await;
        must_end(scene.map.destroy()).await.unwrap();
        must_end(scene.map.sync()).await.unwrap();
    }
    assert!(scene.map.is_empty());
    assert_eq!(scene.warnings(), [""; 0]);
}

#[tokio::test]
async fn changes_of_phase_are_information() {
    let scene = Scene::new().await;
    scene.server.kill();
    eventually_async("the map knows", || scene.map.status().phase() == Phase::Disconnected).await;
    let address = format!("127.0.0.1:{}", scene.server.port());
    scene.log.will_have(&format!("no server answered at {address}: Connection refused")).await;
    scene.server.restart();
    eventually_async("the map is live", || scene.map.status().is_live()).await;
    must_end(scene.map.close()).await;
    let phase = |from: &str, to: &str, reason: &str| {
        format!("INFO rmap map=flags: the phase changed from={from} to={to} reason={reason}")
    };
    let closed = format!("the server at {address} closed the connection");
    let of_map: Vec<_> =
        scene.log.lines().into_iter().filter(|line| line.contains("the phase changed")).collect();
    let expected = [
        phase("joining", "live", "in step"),
        phase("live", "disconnected", &closed),
        phase("disconnected", "resyncing", "connected, reading the content"),
        phase("resyncing", "live", "in step"),
        phase("live", "closed", "the map was closed"),
    ];
    assert_eq!(of_map, expected);
    let of_client = [
        format!("INFO connected connection=1 address={address}"),
        format!("WARN disconnected connection=1 reason={closed}"),
        format!("INFO still disconnected reason=no server answered at {address}: Connection refused"),
        format!("INFO connected connection=2 address={address}"),
    ];
    let told = scene.log.lines();
    for line in of_client {
        assert_eq!(told.iter().filter(|other| **other == line).count(), 1, "{line}: {told:#?}");
    }
}

/// An empty map that loses its hash has lost nothing.
#[tokio::test]
async fn no_entries_are_no_warning() {
    let mut scene = Scene::new().await;
    must_end(scene.map.set_and_wait("a", "1")).await.unwrap();
    must_end(scene.map.reset()).await.unwrap();
    must_end(scene.map.sync()).await.unwrap();
    run(&mut scene.raw, &["DEL", HASH]);
    eventually_async("the map knows", || scene.map.revision().is_none()).await;
    must_end(scene.map.sync()).await.unwrap();
    assert_eq!(scene.warnings(), [""; 0]);
}

#[tokio::test]
async fn joins_and_resyncs_have_spans() {
    let logger = Logger::default();
    let spans = Arc::clone(&logger.spans);
    let _logger = logger.listen();
    let server = Server::start();
    let settings = MapSettings::default().probe_interval(Duration::from_millis(100));
    let client = must_end(client().maps(settings).connect(server.url())).await.unwrap();
    let map = must_end(client.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "hunter2")).await.unwrap();
    let named = |name: &str| -> Vec<String> {
        spans.lock().unwrap().iter().filter(|span| span.starts_with(name)).cloned().collect()
    };
    assert_eq!(named(" join"), [" join map=flags:"]);
    assert_eq!(named(" rmap"), [" rmap map=flags:"]);
    assert_eq!(named(" resync"), Vec::<String>::new());
    run(&mut server.connection(), &["DEL", HASH]);
    eventually_async("the map is empty", || map.is_empty() && map.status().is_live()).await;
    let resyncs = named(" resync");
    assert!(resyncs.len() == 1 && resyncs[0].starts_with(" resync reason=the server is at "), "{resyncs:?}");
}
