//! A server and a runtime for one part of the measurements.

use std::time::Duration;

use rmap_bench::data;
use rmap_client::{Client, Map, MapSettings};
use rmap_testing::Server;
use tokio::runtime::Runtime;

use crate::raw::Raw;

/// The revision of a hash that is filled here.
pub(crate) const BORN: u64 = rmap_bench::replica::BORN;

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) runtime: Runtime,
}

impl World {
    /// Starts a server, and a runtime like that of `#[tokio::main]`.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        Self { server: Server::start(), runtime }
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw::connect(self.server.port())
    }

    /// A client with a user's settings, but with time for a large join.
    pub(crate) fn client(&self) -> Client {
        self.client_with(MapSettings::default())
    }

    pub(crate) fn client_with(&self, settings: MapSettings) -> Client {
        let client = Client::builder()
            .maps(settings.join_timeout(Duration::from_secs(300)))
            .connect(self.server.url());
        self.runtime.block_on(client).unwrap()
    }

    pub(crate) fn join(&self, client: &Client, name: &str) -> Map {
        self.runtime.block_on(client.map(name).join()).unwrap()
    }

    /// Creates the hash of a map, as if the scripts had written it.
    pub(crate) fn fill(&self, name: &str, entries: u64) {
        fill(&mut self.raw(), name, entries, data::value);
    }
}

/// Creates the hash of a map, with values of any kind.
pub(crate) fn fill<V: AsRef<[u8]>>(raw: &mut Raw, name: &str, entries: u64, value: impl Fn(u64) -> V) {
    let hash = format!("map:{name}:content");
    raw.command(&["DEL", &hash]);
    raw.command(&["HSET", &hash, "=rev", &BORN.to_string(), "=kind", "set"]);
    let numbers: Vec<u64> = (0..entries).collect();
    for chunk in numbers.chunks(1_000) {
        let mut words = vec![b"HSET".to_vec(), hash.clone().into_bytes()];
        for &number in chunk {
            words.push(data::key(number).to_vec());
            words.push(value(number).as_ref().to_vec());
        }
        raw.command(&words);
    }
}
