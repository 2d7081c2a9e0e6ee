//! A cluster: one node for each part of the keys, and slots that move.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::Arc;

use integration_tests::{Server, eventually_async};
use redis::{Connection, cmd};
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{Transport, TransportError};
use rmap_proto::{Key, KeyOperation, MapName, Operation, Read, ReadReply, WriteError};

use super::support::{channels, connected, inc, message, run, set};

fn node() -> Server {
    Server::builder().arg("--cluster-enabled").arg("yes").start()
}

async fn cluster() -> [Server; 2] {
    let nodes = [node(), node()];
    let mut first = nodes[0].connection();
    let _: () = cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).query(&mut first).unwrap();
    let _: () = cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(nodes[1].port()).query(&mut first).unwrap();
    for node in &nodes {
        let mut raw = node.connection();
        eventually_async("the nodes to know each other", || {
            let info: String = cmd("CLUSTER").arg("INFO").query(&mut raw).unwrap();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
        })
        .await;
    }
    nodes
}

/// The URL by which clients find all nodes.
fn url(nodes: &[Server; 2]) -> String {
    nodes[0].url().replace("redis://", "redis-cluster://")
}

/// Begins to move the slot of a map to the second node. Returns the slot and the id of the second node.
fn begin_move(nodes: &[Server; 2], map: &MapName) -> (u64, String) {
    let [mut from, mut to] = nodes.each_ref().map(Server::connection);
    let slot: u64 = cmd("CLUSTER").arg("KEYSLOT").arg(&map.hash_key()[..]).query(&mut from).unwrap();
    let [from_id, to_id]: [String; 2] =
        [&mut from, &mut to].map(|raw| cmd("CLUSTER").arg("MYID").query(raw).unwrap());
    set_slot(&mut to, slot, "IMPORTING", &from_id);
    set_slot(&mut from, slot, "MIGRATING", &to_id);
    (slot, to_id)
}

fn set_slot(raw: &mut Connection, slot: u64, state: &str, id: &str) {
    let _: () = cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(state).arg(id).query(raw).unwrap();
}

/// Moves the slot of a map to the second node, with its content.
fn move_slot(nodes: &[Server; 2], map: &MapName) {
    let (slot, to_id) = begin_move(nodes, map);
    let [mut from, mut to] = nodes.each_ref().map(Server::connection);
    let key = map.hash_key();
    let _: String = cmd("MIGRATE")
        .arg("127.0.0.1")
        .arg(nodes[1].port())
        .arg(&key[..])
        .arg(0)
        .arg(5000)
        .query(&mut from)
        .unwrap();
    set_slot(&mut to, slot, "NODE", &to_id);
    set_slot(&mut from, slot, "NODE", &to_id);
}

#[tokio::test]
async fn a_write_follows_its_slot_and_is_carried_out_once() {
    let nodes = cluster().await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&url(&nodes)).unwrap()).await.unwrap();
    let map = MapName::new("colours").unwrap();
    connected(&transport).await;
    transport.check(&map).await.unwrap();
    assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), "1");
    move_slot(&nodes, &map);
    for count in 2..=10 {
        assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), count.to_string());
    }
    let page = transport.read(&map, &Read::Page { cursor: 0, count: 10 }).await.unwrap();
    assert!(matches!(page, ReadReply::Page(page) if page.entries.content.len() == 1));
}

#[tokio::test]
async fn a_silent_node_among_those_given_is_passed_over() {
    let nodes = cluster().await;
    // fred asks the nodes in the order of their ports, and servers have higher ports.
    let silent = (2_000..10_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).unwrap();
    let url = format!("{}?node={}", url(&nodes), silent.local_addr().unwrap());
    let transport = RedisTransport::connect(RedisOptions::from_url(&url).unwrap()).await.unwrap();
    let map = MapName::new("colours").unwrap();
    assert_eq!(run(&transport, &map, inc("n")).await.unwrap().value.unwrap(), "1");
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_ok(), "it was asked");
}

/// The old node cannot create a key then, so a deleted hash could not come back.
#[tokio::test]
async fn a_map_is_not_cleared_while_its_slot_is_on_its_way() {
    let nodes = cluster().await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&url(&nodes)).unwrap()).await.unwrap();
    let mut raw = nodes[0].connection();
    for name in ["colours", "{colours}", "a{b}"] {
        let (map, key) = (MapName::new(name).unwrap(), Key::new("k").unwrap());
        run(&transport, &map, set("k", "v")).await.unwrap();
        begin_move(&nodes, &map);
        let tests = vec![(key.clone(), "v".into())];
        let hash = || -> BTreeMap<String, String> {
            cmd("HGETALL").arg(&map.hash_key()[..]).query(&mut nodes[0].connection()).unwrap()
        };
        let before = hash();
        for operation in [Operation::Reset, Operation::Destroy, Operation::TestAndReset { tests }] {
            let error = run(&transport, &map, operation.clone()).await.unwrap_err();
            let TransportError::Authority(WriteError::Rejected(error)) = error else { panic!("{error}") };
            assert_eq!((error.code.as_str(), hash()), ("TRYAGAIN", before.clone()), "{operation:?}");
        }
        // A delete of the only field keeps the hash, even a hash that was filled directly.
        let _: () = cmd("HDEL").arg(&map.hash_key()[..]).arg("=rev").arg("=kind").query(&mut raw).unwrap();
        assert!(run(&transport, &map, Operation::Key(KeyOperation::Delete { key })).await.unwrap().applied);
        assert_eq!(hash().len(), 2);
        run(&transport, &map, set("k", "w")).await.unwrap();
        assert_eq!(hash().len(), 3);
    }
}

#[tokio::test]
async fn writes_sent_together_follow_their_slot_and_are_carried_out_once() {
    const CALLERS: u64 = 40;
    let nodes = cluster().await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&url(&nodes)).unwrap()).await.unwrap();
    let map = MapName::new("colours").unwrap();
    connected(&transport).await;
    for round in 1..=2 {
        let writes: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (transport, map) = (Arc::clone(&transport), map.clone());
                tokio::spawn(async move { run(&transport, &map, inc("n")).await.unwrap().value.unwrap() })
            })
            .collect();
        let mut sums = BTreeSet::new();
        for write in writes {
            sums.insert(String::from_utf8(write.await.unwrap().to_vec()).unwrap().parse().unwrap());
        }
        assert_eq!(sums, ((round - 1) * CALLERS + 1..=round * CALLERS).collect());
        if round == 1 {
            move_slot(&nodes, &map);
        }
    }
}

/// The nodes of a cluster forward messages, so subscriber and publisher may be at different nodes.
#[tokio::test]
async fn messages_arrive_from_every_node() {
    let nodes = cluster().await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&url(&nodes)).unwrap()).await.unwrap();
    connected(&transport).await;
    for name in ["a", "b", "c"] {
        let map = MapName::new(name).unwrap();
        transport.subscribe(&channels(&map)).await.unwrap();
        run(&transport, &map, set("k", "v")).await.unwrap();
        message(&transport, &map.updates_channel()).await;
        move_slot(&nodes, &map);
        run(&transport, &map, set("k", "w")).await.unwrap();
        message(&transport, &map.updates_channel()).await;
    }
}
