//! Common parts of the tests: a server, a map behind a proxy, and another map directly at the server.

use std::collections::BTreeMap;
use std::time::Duration;

use integration_tests::{Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, ClientBuilder, Map, MapSettings};

pub(crate) const KEY: &str = "map:flags:content";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) raw: Connection,
    pub(crate) proxy: Proxy,
    /// The map behind the proxy.
    pub(crate) map: Map,
    /// The map without a proxy.
    pub(crate) other: Map,
}

impl Scene {
    /// A scene whose replicas send no requests by themselves, so that no probe can repair them.
    pub(crate) async fn quiet() -> Self {
        let server = Server::start();
        let proxy = Proxy::new(&server).await;
        let map = join(quiet(), proxy.url()).await;
        let other = join(quiet(), server.url()).await;
        Self { raw: server.connection(), server, proxy, map, other }
    }

    /// Waits until the hash and the maps have the same content.
    pub(crate) fn agree(&mut self) {
        assert_eq!(content(&self.map), stored(&mut self.raw));
    }
}

pub(crate) fn quiet() -> ClientBuilder {
    Client::builder().maps(MapSettings::default().probe_interval(HOUR))
}

/// A client whose maps soon detect silent changes.
pub(crate) async fn watchful(server: &Server) -> Client {
    let replica =
        MapSettings::default().probe_interval(Duration::from_millis(50)).probe_floor(Duration::ZERO);
    must_end(Client::builder().maps(replica).connect(server.url())).await.unwrap()
}

pub(crate) async fn join(client: ClientBuilder, url: impl AsRef<str>) -> Map {
    let client = must_end(client.connect(url)).await.unwrap();
    must_end(client.map("flags").join()).await.unwrap()
}

pub(crate) async fn live(map: &Map) {
    eventually_async("the map is live", || map.status().is_live()).await;
}

pub(crate) fn content(map: &Map) -> BTreeMap<Vec<u8>, Vec<u8>> {
    map.view().iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// All fields of the hash.
pub(crate) fn hash(raw: &mut Connection) -> BTreeMap<Vec<u8>, Vec<u8>> {
    cmd("HGETALL").arg(KEY).query(raw).unwrap()
}

/// The content of the hash.
pub(crate) fn stored(raw: &mut Connection) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut fields = hash(raw);
    fields.retain(|field, _| !field.contains(&b'='));
    fields
}

pub(crate) fn hset(raw: &mut Connection, field: &str, value: &str) {
    cmd("HSET").arg(KEY).arg(field).arg(value).exec(raw).unwrap();
}

/// Remaining time to live of the hash in milliseconds, negative without one.
pub(crate) fn pttl(raw: &mut Connection) -> i64 {
    cmd("PTTL").arg(KEY).query(raw).unwrap()
}
