//! Failures of a server and a network: no update is lost, watches miss nothing, and writes report their outcome.

#[path = "support/changes.rs"]
mod changes;
#[path = "support/disturb.rs"]
mod disturb;
mod support;
#[path = "support/watching.rs"]
mod watching;

use std::time::Duration;

use fastrand::Rng;
use rmap_client::proto::is_reserved;
use rmap_client::{Changes, Client, Error, Key, Map, MapName, MemoryServer, Outcome, Phase, Value};

use changes::{Content, apply, content, drain};
use disturb::disturb;
use support::eventually;
use watching::Watching;

fn server_content(server: &MemoryServer, map: &MapName) -> Content {
    let fields = server.with_hash(map, |hash, _| hash.fields());
    let entries = fields.iter().filter(|(field, _)| !is_reserved(field));
    entries.map(|(key, value)| (Key::stored(key), Value::from(value.clone()))).collect()
}

async fn joined(server: &MemoryServer) -> Map {
    server.client().map("flags").join().await.expect("the server is up")
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_is_repaired() {
    let server = MemoryServer::new();
    let (writer, reader) = (joined(&server).await, joined(&server).await);
    writer.set_and_wait("a", "1").await.unwrap();
    server.drop_connections();
    let written = writer.set("a", "2").await.unwrap();
    reader.wait_for(written.revision).await.unwrap();
    assert_eq!(reader.get("a").unwrap(), "2");
    assert_eq!(server.subscriptions(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_lost_message_is_found_without_a_further_write() {
    let server = MemoryServer::new();
    let (writer, reader) = (joined(&server).await, joined(&server).await);
    server.lose_messages(1);
    let written = writer.set("a", "1").await.unwrap();
    reader.wait_for(written.revision).await.unwrap();
    assert_eq!(reader.get("a").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_lag_leads_to_a_resync() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    server.lag();
    eventually("a resync", || map.status().resyncs() == 1 && map.status().is_live()).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_without_content_empties_the_map() {
    let server = MemoryServer::new();
    let (writer, reader) = (joined(&server).await, joined(&server).await);
    let written = writer.set("a", "1").await.unwrap();
    reader.wait_for(written.revision).await.unwrap();
    server.restart();
    eventually("an empty map", || reader.is_empty()).await;
    assert_eq!(reader.revision(), None);
    writer.set_and_wait("b", "2").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_expired_map_is_empty_without_a_further_write() {
    let server = MemoryServer::new();
    let ttl = Duration::from_secs(30);
    let map = server.client().map("flags").ttl(ttl).join().await.unwrap();
    map.set_and_wait("a", "1").await.unwrap();
    tokio::time::sleep(ttl + Duration::from_secs(6)).await;
    assert_eq!((map.get("a"), map.revision()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn reads_go_on_while_the_server_is_down() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    map.set_and_wait("a", "1").await.unwrap();
    server.go_down();
    eventually("disconnected", || map.status().phase() == Phase::Disconnected).await;
    assert_eq!(map.get("a").unwrap(), "1");
    let error = map.set("a", "2").await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }) && error.outcome() == Some(Outcome::Rejected), "{error}");
    server.come_up();
    eventually("live", || map.status().is_live()).await;
    map.set_and_wait("a", "2").await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_is_an_unknown_outcome_and_not_repeated() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    map.inc("n", 1).await.unwrap();
    server.lose_replies(1);
    let error = map.inc("n", 1).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    map.sync().await.unwrap();
    assert_eq!(map.get("n").unwrap(), "2");
}

#[tokio::test]
async fn errors_of_the_authority_keep_their_kind() {
    let server = MemoryServer::new();
    let map = joined(&server).await;
    map.set("text", "{}").await.unwrap();
    map.set("max", i64::MAX.to_string()).await.unwrap();
    let not_a_list = map.append_values("text", ["x"]).await.unwrap_err();
    assert_eq!(not_a_list.to_string(), "map flags: the value of key text is not a list of strings");
    let not_an_integer = map.inc("text", 1).await.unwrap_err();
    assert_eq!(not_an_integer.to_string(), "map flags: the value of key text is not an integer");
    let overflow = map.inc("max", 1).await.unwrap_err();
    assert_eq!(overflow.to_string(), "map flags: the sum for key max overflows a signed 64-bit integer");
    server.with_hash(map.name(), |hash, _| hash.hset("=rev", "x"));
    let corrupt = map.set("a", "1").await.unwrap_err();
    assert_eq!(corrupt.to_string(), "map flags: the field =rev is corrupt");
    for error in [not_a_list, not_an_integer, overflow, corrupt] {
        assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    }
}

/// A replica with a stream of changes that is read from time to time.
struct Follower {
    map: Map,
    folded: Content,
    changes: Changes,
    watching: Watching,
}

impl Follower {
    async fn join(client: &Client) -> Self {
        let map = client.map("flags").join().await.expect("the server is up");
        let (view, changes) = map.view_and_changes().await;
        let watching = Watching::new(&map, (0..8).map(|number| format!("key {number}")));
        Self { map, folded: content(&view), changes, watching }
    }

    async fn read_some(&mut self, count: usize) {
        for _ in 0..count {
            let next = tokio::time::timeout(Duration::from_millis(1), self.changes.next());
            match next.await {
                Ok(Some(change)) => apply(&mut self.folded, change),
                Ok(None) | Err(_) => return,
            }
        }
    }

    async fn read_to_the_end(mut self) -> (Content, Map) {
        self.watching.has_seen_all().await;
        self.watching.end().await;
        drain(&mut self.folded, &mut self.changes).await;
        (self.folded, self.map)
    }
}

async fn write_something(map: &Map, rng: &mut Rng) {
    let key = format!("key {}", rng.u8(..8));
    let value = rng.u8(..4).to_string();
    // Writes may fail under faults; the contents are compared at the end.
    let _ = match rng.u8(..10) {
        0..4 => map.set(&key, &value).await.map(drop),
        4 => map.delete(&key).await.map(drop),
        5 => map.inc(&key, 1).await.map(drop),
        6 => map.test_and_set(&key, &value, "set").await.map(drop),
        7 => map.append_unique_values(&key, [value]).await.map(drop),
        8 => map.remove_values(&key, [value]).await.map(drop),
        _ if rng.u8(..20) == 0 => map.reset().await.map(drop),
        _ => map.set_if_not_exists(&key, &value).await.map(drop),
    };
}

#[tokio::test(start_paused = true)]
async fn replicas_agree_with_the_server_once_faults_stop() {
    let seed = std::env::var("RMAP_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_SEED={seed} cargo test -p rmap-client --test faults replicas_agree");
    let mut rng = Rng::with_seed(seed);
    for _ in 0..20 {
        let server = MemoryServer::new();
        let shared = server.client();
        let clients = [shared.clone(), shared, server.client()];
        let mut followers = Vec::new();
        for client in &clients {
            followers.push(Follower::join(client).await);
        }
        for _ in 0..300 {
            let index = rng.usize(..followers.len());
            write_something(&followers[index].map, &mut rng).await;
            if rng.u8(..10) == 0 {
                disturb(&server, &mut rng).await;
            }
            if rng.u8(..5) == 0 {
                followers[index].read_some(rng.usize(..20)).await;
            }
        }
        server.come_up();
        server.release_messages();
        server.lose_messages(0);
        for follower in followers {
            follower.map.sync().await.unwrap();
            let (folded, map) = follower.read_to_the_end().await;
            assert_eq!(content(&map.view()), server_content(&server, map.name()));
            assert_eq!(folded, content(&map.view()));
        }
    }
}
