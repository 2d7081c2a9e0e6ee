//! Connections, and the requests over them.

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::Map;

use crate::scene::{HOUR, quiet};

/// Performs every kind of write. Each applies.
async fn write_everything(map: &Map) {
    must_end(map.set_and_wait("k", "5")).await.unwrap();
    must_end(map.inc("k", 1)).await.unwrap();
    assert!(must_end(map.set_if_not_exists("l", "a")).await.unwrap().applied);
    assert!(must_end(map.test_and_set("l", "a", "b")).await.unwrap().applied);
    assert!(must_end(map.append_values("l", ["c"])).await.unwrap().applied);
    assert!(must_end(map.append_unique_values("l", ["d"])).await.unwrap().applied);
    assert!(must_end(map.remove_values("l", ["c"])).await.unwrap().applied);
    assert!(must_end(map.test_and_delete("k", "6")).await.unwrap().applied);
    assert!(must_end(map.delete("l")).await.unwrap().applied);
    must_end(map.set("k", "v")).await.unwrap();
    assert!(must_end(map.test_and_reset([("k", "v")])).await.unwrap().applied);
    must_end(map.reset()).await.unwrap();
    must_end(map.destroy()).await.unwrap();
    must_end(map.set_and_wait("last", "v")).await.unwrap();
    must_end(map.sync()).await.unwrap();
    assert_eq!((map.len(), map.get("last").unwrap()), (1, "v".into()));
}

#[tokio::test]
async fn the_channel_is_not_passed_as_a_key() {
    // The server refuses a script that names another key than the granted one.
    let rules = "user service on >secret +@all &map:flags:* ~map:flags:content\n";
    let server = Server::builder().aclfile(rules).start();
    let client = must_end(quiet().connect(server.url_for_user("service", "secret"))).await.unwrap();
    write_everything(&must_end(client.map("flags").join()).await.unwrap()).await;
    write_everything(&must_end(client.map("flags").sliding_ttl(HOUR).join()).await.unwrap()).await;
}

#[tokio::test]
async fn a_cluster_takes_every_write() {
    // Hash and channel of this map are in different slots.
    let options = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
    let server = options.into_iter().fold(Server::builder(), |server, option| server.arg(option)).start();
    let mut raw = server.connection();
    cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"]).exec(&mut raw).unwrap();
    eventually_async("the cluster is up", || {
        let info: String = cmd("CLUSTER").arg("INFO").query(&mut raw).unwrap();
        info.contains("cluster_state:ok")
    })
    .await;
    let [hash, channel] = ["map:flags:content", "map:flags:updates"]
        .map(|key| cmd("CLUSTER").arg("KEYSLOT").arg(key).query::<u64>(&mut raw).unwrap());
    assert_ne!(hash, channel);
    let url = format!("redis-cluster://127.0.0.1:{}", server.port());
    let client = must_end(quiet().connect(url)).await.unwrap();
    write_everything(&must_end(client.map("flags").join()).await.unwrap()).await;
}

#[tokio::test]
async fn many_maps_share_one_pair_of_connections() {
    let server = Server::start();
    let mut raw = server.connection();
    let client = must_end(quiet().connect(server.url())).await.unwrap();
    let mut maps = Vec::new();
    for number in 0..50 {
        maps.push(must_end(client.map(format!("map-{number}")).join()).await.unwrap());
    }
    for map in &maps {
        must_end(map.set_and_wait("name", map.name().as_bytes())).await.unwrap();
    }
    let list: String = cmd("CLIENT").arg("LIST").query(&mut raw).unwrap();
    // The third connection is this test's own.
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(maps.iter().all(|map| map.get("name").unwrap() == map.name().as_bytes()));
}
