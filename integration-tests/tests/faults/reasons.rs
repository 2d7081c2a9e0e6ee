//! Reasons for a missing connection. Each cause has one reason, which says what happened and where. The reason does not
//! depend on the connection that meets the cause first, nor on what is in flight.

use std::time::Duration;

use integration_tests::{Direction, Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Error, Map, MapSettings};
use tokio::task::JoinSet;

use crate::diary::{Diary, Logger};
use crate::support::{a_write_waits, run};

/// A fault of a connection, or of the server behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Killed,
    Stopped,
    Frozen,
    CommandsClosed,
    SubscriberClosed,
    BothClosed,
    PasswordChanged,
    UserLocked,
    Full,
    BecameReplica,
    ProxyCloses,
    ProxyRefuses,
    ProxySilent,
}

const FAULTS: [Fault; 13] = [
    Fault::Killed,
    Fault::Stopped,
    Fault::Frozen,
    Fault::CommandsClosed,
    Fault::SubscriberClosed,
    Fault::BothClosed,
    Fault::PasswordChanged,
    Fault::UserLocked,
    Fault::Full,
    Fault::BecameReplica,
    Fault::ProxyCloses,
    Fault::ProxyRefuses,
    Fault::ProxySilent,
];

const CLOSED: &str = "the server at {} closed the connection";
const SILENT: &str = "the server at {} is silent: nothing came for 3s although an answer was due";

impl Fault {
    /// The expected reasons, each once and in this order. `{}` is the address.
    const fn reasons(self) -> &'static [&'static str] {
        match self {
            Self::Killed | Self::Stopped => &[CLOSED, "no server answered at {}: Connection refused"],
            // Reconnects fail for the same reason.
            Self::Frozen | Self::ProxySilent => &[SILENT],
            Self::CommandsClosed
            | Self::SubscriberClosed
            | Self::BothClosed
            | Self::ProxyCloses
            | Self::ProxyRefuses => &[CLOSED],
            Self::PasswordChanged => {
                &[CLOSED, "the server at {} refused the credentials: NOAUTH Authentication required"]
            }
            Self::UserLocked => &[
                CLOSED,
                "the server at {} refused the credentials: WRONGPASS invalid username-password pair or user is disabled",
            ],
            Self::Full => &[CLOSED, "cannot connect to {}: ERR max number of clients reached"],
            Self::BecameReplica => {
                &["the server at {} is no master: READONLY You can't write against a read only replica."]
            }
        }
    }

    const fn is_of_proxy(self) -> bool {
        match self {
            Self::ProxyCloses | Self::ProxyRefuses | Self::ProxySilent => true,
            Self::Killed
            | Self::Stopped
            | Self::Frozen
            | Self::CommandsClosed
            | Self::SubscriberClosed
            | Self::BothClosed
            | Self::PasswordChanged
            | Self::UserLocked
            | Self::Full
            | Self::BecameReplica => false,
        }
    }
}

struct Scene {
    fault: Fault,
    server: Server,
    proxy: Proxy,
    raw: Connection,
    address: String,
    map: Map,
    log: Diary,
}

impl Scene {
    async fn new(fault: Fault, log: Diary) -> Self {
        let server = Server::start();
        let proxy = Proxy::new(&server).await;
        let mut raw = server.connection();
        let user = fault == Fault::UserLocked;
        run(&mut raw, &["ACL", "SETUSER", "alice", "on", ">secret", "~*", "&*", "+@all"]);
        let url = if fault.is_of_proxy() {
            proxy.url()
        } else if user {
            server.url_for_user("alice", "secret")
        } else {
            server.url()
        };
        let address = url.split(['/', '@']).next_back().unwrap().to_owned();
        // Probes are nearly always in flight, and the map itself gives none up.
        let replica = MapSettings::default()
            .probe_interval(Duration::from_millis(1))
            .request_timeout(Duration::from_secs(600));
        let client = Client::builder().maps(replica).connect_timeout(Duration::from_secs(1));
        let client = must_end(client.connect(url)).await.unwrap();
        let map = must_end(client.map("flags").join()).await.unwrap();
        must_end(map.set_and_wait("a", "1")).await.unwrap();
        Self { fault, server, proxy, raw, address, map, log }
    }

    fn kill(&mut self, kinds: &[&str]) {
        for kind in kinds {
            let kill = cmd("CLIENT").arg(&["KILL", "TYPE", kind, "SKIPME", "yes"]).to_owned();
            let _: i64 = kill.query(&mut self.raw).unwrap();
        }
    }

    fn begin(&mut self) {
        match self.fault {
            Fault::Killed => self.server.kill(),
            Fault::Stopped => self.server.stop(),
            Fault::Frozen => self.server.pause(),
            Fault::CommandsClosed => self.kill(&["normal"]),
            Fault::SubscriberClosed => self.kill(&["pubsub"]),
            Fault::BothClosed => self.kill(&["normal", "pubsub"]),
            Fault::PasswordChanged => {
                run(&mut self.raw, &["CONFIG", "SET", "requirepass", "new"]);
                self.kill(&["normal", "pubsub"]);
            }
            Fault::UserLocked => {
                run(&mut self.raw, &["ACL", "SETUSER", "alice", "off"]);
                // Valkey and newer versions of Redis close the connections by themselves.
                let _: i64 = cmd("CLIENT").arg(&["KILL", "USER", "alice"]).query(&mut self.raw).unwrap();
            }
            Fault::Full => {
                run(&mut self.raw, &["CONFIG", "SET", "maxclients", "1"]);
                self.kill(&["normal", "pubsub"]);
            }
            Fault::BecameReplica => {
                run(&mut self.raw, &["REPLICAOF", "127.0.0.1", "1"]);
                run(&mut self.raw, &["CLIENT", "UNPAUSE"]);
            }
            Fault::ProxyCloses => self.proxy.cut(None),
            Fault::ProxyRefuses => {
                self.proxy.refuse();
                self.proxy.cut(None);
            }
            Fault::ProxySilent => self.proxy.stall(None, Direction::Replies),
        }
    }

    fn end(&mut self) {
        match self.fault {
            Fault::Killed | Fault::Stopped => {
                self.server.restart();
                self.raw = self.server.connection();
            }
            Fault::Frozen => self.server.resume(),
            Fault::CommandsClosed | Fault::SubscriberClosed | Fault::BothClosed | Fault::ProxyCloses => {}
            Fault::PasswordChanged => {
                run(&mut self.raw, &["CONFIG", "SET", "requirepass", ""]);
            }
            Fault::UserLocked => {
                run(&mut self.raw, &["ACL", "SETUSER", "alice", "on"]);
            }
            Fault::Full => {
                run(&mut self.raw, &["CONFIG", "SET", "maxclients", "100"]);
            }
            Fault::BecameReplica => {
                run(&mut self.raw, &["REPLICAOF", "NO", "ONE"]);
            }
            Fault::ProxyRefuses | Fault::ProxySilent => self.proxy.heal(),
        }
        run(&mut self.raw, &["CLIENT", "UNPAUSE"]);
    }

    /// The reasons with this test's address.
    fn reasons(&self) -> Vec<String> {
        self.fault.reasons().iter().map(|reason| reason.replace("{}", &self.address)).collect()
    }

    /// Waits until two reconnects have failed, so that every reason has been reported.
    async fn attempts_fail(&self) {
        let ends = |line: &String| line.contains("still disconnected") && line.contains(&self.address);
        eventually_async("two attempts fail", || {
            self.log.lines().iter().filter(|line| ends(line)).count() >= 2
        })
        .await;
    }
}

/// The error of a write that is in flight when the fault strikes.
async fn in_flight(scene: &mut Scene, begin: impl FnOnce(&mut Scene)) -> Option<Error> {
    run(&mut scene.raw, &["CLIENT", "PAUSE", "1000000", "WRITE"]);
    let map = scene.map.clone();
    let writing = tokio::spawn(async move { map.set("a", "2").await });
    eventually_async("the write waits", || a_write_waits(&mut scene.raw)).await;
    begin(scene);
    must_end(writing).await.unwrap().err()
}

async fn is_told_once(fault: Fault, log: Diary) {
    let mut scene = Scene::new(fault, log).await;
    let status = Diary::of_status(&scene.map);
    let error = in_flight(&mut scene, Scene::begin).await.unwrap();
    let reasons = scene.reasons();
    if fault == Fault::BecameReplica {
        // The server refused the write itself.
        assert!(matches!(error, Error::Rejected { .. }), "{error}");
    } else {
        let expected = format!("map flags: the outcome of set is unknown: {}", reasons[0]);
        assert_eq!(error.to_string(), expected, "{fault:?}");
    }
    status.will_have(&format!("disconnected: {}", reasons[reasons.len() - 1])).await;
    if matches!(fault, Fault::Frozen | Fault::ProxySilent | Fault::ProxyRefuses) || reasons.len() > 1 {
        scene.attempts_fail().await;
        let error = must_end(scene.map.set("a", "3")).await.unwrap_err();
        let expected = format!("map flags: set was not sent: not connected: {}", reasons[reasons.len() - 1]);
        assert_eq!(error.to_string(), expected, "{fault:?}");
    }
    let lines = status.lines();
    let lost: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("disconnected: ")).collect();
    assert_eq!(lost, reasons, "{fault:?}: {lines:#?}");
    // Nothing else is reported between the loss and the new connection.
    let first = lines.iter().position(|line| line.starts_with("disconnected")).unwrap();
    let before: Vec<_> = lines[..first].iter().filter(|line| !line.starts_with("live")).collect();
    assert!(before.is_empty(), "{fault:?}: {lines:#?}");
    scene.end();
    eventually_async("the map is live", || scene.map.status().is_live()).await;
    must_end(scene.map.set_and_wait("a", "4")).await.unwrap();
}

#[tokio::test]
async fn each_cause_has_one_reason_and_is_told_once() {
    let logger = Logger::default();
    let log = logger.diary.clone();
    let _guard = logger.listen();
    let mut scenes = JoinSet::new();
    for fault in FAULTS {
        scenes.spawn(is_told_once(fault, log.clone()));
    }
    while let Some(ended) = scenes.join_next().await {
        ended.unwrap();
    }
}
