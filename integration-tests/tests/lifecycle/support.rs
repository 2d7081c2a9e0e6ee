//! Common parts of the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, Map, MapSettings};

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// A client whose maps soon detect silent changes.
pub(crate) async fn connect(url: impl AsRef<str>) -> Client {
    connect_with(url, Duration::from_millis(100)).await
}

pub(crate) async fn connect_with(url: impl AsRef<str>, probe_interval: Duration) -> Client {
    let replica = MapSettings::default().probe_interval(probe_interval);
    must_end(Client::builder().maps(replica).connect(url)).await.unwrap()
}

/// The map `flags` through its own client.
pub(crate) async fn join(server: &Server) -> Map {
    must_end(connect(server.url()).await.map("flags").join()).await.unwrap()
}

/// A map that sends no requests by itself.
pub(crate) async fn join_quiet(server: &Server) -> Map {
    let client = connect_with(server.url(), Duration::from_secs(3600)).await;
    must_end(client.map("flags").join()).await.unwrap()
}

/// Makes writes wait at the server until the pause ends.
pub(crate) fn pause_writes(raw: &mut Connection) {
    let () = cmd("CLIENT").arg(&["PAUSE", "1000000", "WRITE"]).query(raw).unwrap();
}

pub(crate) fn end_pause(raw: &mut Connection) {
    let () = cmd("CLIENT").arg("UNPAUSE").query(raw).unwrap();
}

/// True if a write waits for the end of a pause.
pub(crate) fn a_write_waits(raw: &mut Connection) -> bool {
    let list: String = cmd("CLIENT").arg("LIST").query(raw).unwrap();
    list.lines().any(|client| client.contains(" flags=b "))
}

/// Number of tasks of this runtime.
pub(crate) fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Number of clients of the server besides this one.
pub(crate) fn clients(raw: &mut Connection) -> usize {
    let list: String = cmd("CLIENT").arg("LIST").query(raw).unwrap();
    list.lines().count() - 1
}

/// Names of the maps with subscribers, and their private channels.
pub(crate) fn channels(raw: &mut Connection) -> Vec<String> {
    cmd("PUBSUB").arg("CHANNELS").arg("map:*").query(raw).unwrap()
}

pub(crate) async fn nothing_is_left(raw: &mut Connection) {
    eventually_async("no connection is left", || clients(raw) == 0).await;
    eventually_async("no task is left", || tasks() == 0).await;
}

pub(crate) async fn live(map: &Map) {
    eventually_async("the map is live", || map.status().is_live()).await;
}

pub(crate) fn content(map: &Map) -> Content {
    map.view().iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// The content of the hash.
pub(crate) fn stored(raw: &mut Connection) -> Content {
    let mut fields: Content = cmd("HGETALL").arg("map:flags:content").query(raw).unwrap();
    fields.retain(|field, _| !field.contains(&b'='));
    fields
}
