//! Servers in a special state, in which they refuse some commands. Maps connect, reconnect, follow and read as far as
//! the server allows, and each write gets the refusal as its own answer.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use integration_tests::{Builder, Sentinel, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::transport::redis::ConnectError;
use rmap_client::{Error, Map};

use crate::support::{client, join, refused};

/// Ways to find the server, each with other requests before the connection is up.
const ROADS: [Road; 3] = [Road::Plain, Road::Sentinel, Road::Cluster];

/// With a password the connections begin with AUTH. Without one they begin with nothing.
const PASSWORDS: [Option<&str>; 2] = [None, Some("secret")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Road {
    Plain,
    Sentinel,
    Cluster,
}

struct Scene {
    server: Server,
    /// The sentinel must live as long as the server.
    _sentinel: Option<Sentinel>,
    url: String,
    raw: Connection,
}

impl Scene {
    async fn new(road: Road, password: Option<&str>, settings: Builder) -> Self {
        let mut settings = password.into_iter().fold(settings, Builder::requirepass);
        if road == Road::Cluster {
            // A single node does not know its own address.
            let known = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
            settings = known.into_iter().fold(settings, Builder::arg);
        }
        let server = settings.start();
        let mut raw = server.connection();
        let sentinel = (road == Road::Sentinel).then(|| Sentinel::of(&server));
        let url = match (road, &sentinel) {
            (_, Some(sentinel)) => sentinel.url(),
            (Road::Cluster, None) => {
                let _: () = run(&mut raw, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
                eventually_async("the cluster stands", || {
                    run::<String>(&mut raw, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
                })
                .await;
                server.url().replace("redis://", "redis-cluster://")
            }
            (Road::Plain | Road::Sentinel, None) => server.url(),
        };
        Self { server, _sentinel: sentinel, url, raw }
    }

    /// The folder of the server's files.
    fn folder(&mut self) -> PathBuf {
        let [_, folder]: [String; 2] = run(&mut self.raw, &["CONFIG", "GET", "dir"]);
        folder.into()
    }

    fn set(&mut self, settings: &[&str]) {
        let _: () = run(&mut self.raw, &[&["CONFIG", "SET"], settings].concat());
    }

    /// Waits until the server answers PING with this refusal.
    async fn refuses_ping(&mut self, code: &str) {
        let raw = &mut self.raw;
        eventually_async("the state begins", || {
            cmd("PING").query::<String>(raw).is_err_and(|error| error.code() == Some(code))
        })
        .await;
    }

    /// Makes the server close both connections of every client.
    fn kill_clients(&mut self) {
        for kind in ["normal", "pubsub"] {
            let _: i64 = run(&mut self.raw, &["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        }
    }
}

fn run<T: redis::FromRedisValue>(raw: &mut Connection, command: &[&str]) -> T {
    cmd(command[0]).arg(&command[1..]).query(raw).unwrap()
}

/// Checks that the map follows the server without a write: a subscription stands, and marks and replies arrive.
async fn follows(map: &Map) {
    must_end(map.sync()).await.unwrap();
    assert_eq!(map.get("a").unwrap(), "1");
}

/// Checks a client from before the state and one that comes during it. Both connect, reconnect and read; their writes
/// are refused with `code`.
async fn reads_go_on(scene: &mut Scene, code: Option<&str>, begin: impl AsyncFn(&mut Scene)) {
    let map = join(&scene.url).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    begin(scene).await;
    let newcomer = join(&scene.url).await;
    for _ in 0..2 {
        for map in [&map, &newcomer] {
            follows(map).await;
            let written = must_end(map.set("b", "2")).await;
            match (written, code) {
                (Ok(_), None) => {}
                (Err(Error::Rejected { cause, .. }), Some(code)) => assert_eq!(cause.code, code),
                (written, code) => panic!("{written:?} instead of {code:?}"),
            }
        }
        scene.kill_clients();
        for map in [&map, &newcomer] {
            let status = || map.status();
            eventually_async("the map comes back", || status().is_live() && map.contains("a")).await;
        }
    }
}

/// Checks that the refusal ends with the state, on the existing connections.
async fn writes_go_on(scene: &Scene) {
    let map = join(&scene.url).await;
    must_end(map.set_and_wait("b", "3")).await.unwrap();
}

async fn on_every_road(settings: impl Fn() -> Builder, test: impl AsyncFn(&mut Scene)) {
    for road in ROADS {
        for password in PASSWORDS {
            test(&mut Scene::new(road, password, settings()).await).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_save_is_followed() {
    on_every_road(Server::builder, async |scene| {
        let begin = async |scene: &mut Scene| {
            fs::create_dir(scene.folder().join("dump.rdb")).unwrap();
            scene.set(&["save", "3600 100000"]);
            let _: () = run(&mut scene.raw, &["BGSAVE"]);
            scene.refuses_ping("MISCONF").await;
        };
        reads_go_on(scene, Some("MISCONF"), begin).await;
        scene.set(&["save", ""]);
        writes_go_on(scene).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_whose_disk_is_full_is_followed() {
    on_every_road(Server::builder, async |scene| {
        let begin = async |scene: &mut Scene| {
            let folder = scene.folder().join("appendonlydir");
            fs::create_dir_all(&folder).unwrap();
            // The server begins this file next.
            symlink("/dev/full", folder.join("temp-appendonly.aof.incr")).unwrap();
            scene.set(&["appendfsync", "everysec"]);
            scene.set(&["appendonly", "yes"]);
            let rewritten =
                |raw: &mut Connection| run::<String>(raw, &["INFO", "persistence"]).contains("aof_base_size");
            eventually_async("the file is begun", || rewritten(&mut scene.raw)).await;
            let _: () = run(&mut scene.raw, &["SET", "other", "1"]);
            scene.refuses_ping("MISCONF").await;
        };
        reads_go_on(scene, Some("MISCONF"), begin).await;
        scene.set(&["appendonly", "no"]);
        writes_go_on(scene).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_without_memory_or_replicas_is_followed() {
    on_every_road(Server::builder, async |scene| {
        for (setting, on, off, code) in
            [("maxmemory", "1", "0", "OOM"), ("min-replicas-to-write", "1", "0", "NOREPLICAS")]
        {
            reads_go_on(scene, Some(code), async |scene| scene.set(&[setting, on])).await;
            scene.set(&[setting, off]);
            writes_go_on(scene).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_knows_no_ping_is_followed() {
    // A sentinel takes such a server for dead.
    for road in [Road::Plain, Road::Cluster] {
        for password in PASSWORDS {
            let settings = Server::builder().arg("--rename-command").arg("PING").arg("");
            let mut scene = Scene::new(road, password, settings).await;
            reads_go_on(&mut scene, None, async |_| {}).await;
        }
    }
}

#[tokio::test]
async fn a_user_who_may_not_ping_follows() {
    for road in [Road::Plain, Road::Cluster] {
        for password in PASSWORDS {
            let mut scene = Scene::new(road, password, Server::builder()).await;
            reads_go_on(&mut scene, None, async |scene| {
                let _: () = run(&mut scene.raw, &["ACL", "SETUSER", "default", "-ping"]);
            })
            .await;
        }
    }
}

/// The server only answers the end of the script, and every new connection waits for that.
#[tokio::test]
async fn a_busy_server_is_connected_to_and_followed_afterwards() {
    for password in PASSWORDS {
        let mut scene = Scene::new(Road::Plain, password, Server::builder()).await;
        let map = join(&scene.url).await;
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        scene.set(&["busy-reply-threshold", "1"]);
        let mut busy = scene.server.connection();
        std::thread::spawn(move || cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut busy));
        scene.refuses_ping("BUSY").await;
        let newcomer = must_end(client().connect(&scene.url)).await.unwrap();
        let _: () = run(&mut scene.raw, &["SCRIPT", "KILL"]);
        let raw = &mut scene.raw;
        eventually_async("the script ends", || cmd("PING").query::<String>(raw).is_ok()).await;
        follows(&must_end(newcomer.map("flags").join()).await.unwrap()).await;
        follows(&map).await;
    }
}

/// The server answers no request of a map, so the map reports the reason at once, and again until the state is over.
#[tokio::test]
async fn a_server_that_answers_nothing_says_why_and_is_followed_afterwards() {
    for password in PASSWORDS {
        let mut scene = Scene::new(Road::Plain, password, Server::builder()).await;
        let map = join(&scene.url).await;
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        scene.set(&["replica-serve-stale-data", "no"]);
        let _: () = run(&mut scene.raw, &["REPLICAOF", "127.0.0.1", "1"]);
        scene.kill_clients();
        let stale = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'";
        let cause = refused(client(), &scene.url).await;
        let expected = format!("cannot connect to 127.0.0.1:{}: {stale}", scene.server.port());
        assert_eq!(cause.to_string(), expected);
        eventually_async("the status says why", || map.status().reason().to_string().ends_with(stale)).await;
        let _: () = run(&mut scene.raw, &["REPLICAOF", "NO", "ONE"]);
        follows(&map).await;
    }
}

#[tokio::test]
async fn a_server_that_is_full_says_so() {
    let mut scene = Scene::new(Road::Plain, None, Server::builder()).await;
    let map = join(&scene.url).await;
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    // This test's own connection takes the only place.
    scene.set(&["maxclients", "1"]);
    let cause = refused(client(), &scene.url).await;
    assert!(matches!(cause, ConnectError::Other { .. }), "{cause:?}");
    assert!(cause.to_string().ends_with("ERR max number of clients reached"), "{cause}");
    scene.kill_clients();
    eventually_async("the status says why", || {
        map.status().reason().to_string().ends_with("ERR max number of clients reached")
    })
    .await;
    scene.set(&["maxclients", "100"]);
    follows(&map).await;
}
