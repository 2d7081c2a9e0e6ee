//! Common parts of the tests: one writer behind a proxy, one reader directly at the server, and every kind of write.

use std::collections::BTreeMap;
use std::time::Duration;

use integration_tests::{Builder, Proxy, Server, eventually_async, must_end};
use redis::{Connection, cmd};
use rmap_client::{Client, ClientBuilder, Error, Map, MapSettings, Outcome};

pub(crate) const HASH: &str = "map:flags:content";

/// Text in every request of a write of the map, and in no other request on its connection.
pub(crate) const WRITE: &str = "map:flags:updates";

/// Every kind of write. After [`Cast::prepare`] all of them apply.
pub(crate) const WRITES: [&str; 13] = [
    "set",
    "set_and_wait",
    "set_if_not_exists",
    "test_and_set",
    "delete",
    "test_and_delete",
    "inc",
    "append_values",
    "append_unique_values",
    "remove_values",
    "test_and_reset",
    "reset",
    "destroy",
];

/// The kinds that need no memory.
pub(crate) const FREEING: [&str; 6] =
    ["delete", "test_and_delete", "remove_values", "test_and_reset", "reset", "destroy"];

/// Performs a write. Returns whether it applied.
pub(crate) async fn write(map: &Map, name: &str) -> Result<bool, Error> {
    let writing = async {
        match name {
            "set" => map.set("a", "2").await.map(|_| true),
            "set_and_wait" => map.set_and_wait("a", "2").await.map(|_| true),
            "set_if_not_exists" => map.set_if_not_exists("b", "2").await.map(|attempt| attempt.applied),
            "test_and_set" => map.test_and_set("a", "1", "2").await.map(|attempt| attempt.applied),
            "delete" => map.delete("a").await.map(|attempt| attempt.applied),
            "test_and_delete" => map.test_and_delete("a", "1").await.map(|attempt| attempt.applied),
            "inc" => map.inc("n", 1).await.map(|_| true),
            "append_values" => map.append_values("l", ["y"]).await.map(|list| list.applied),
            "append_unique_values" => map.append_unique_values("l", ["y"]).await.map(|list| list.applied),
            "remove_values" => map.remove_values("l", ["x"]).await.map(|list| list.applied),
            "test_and_reset" => map.test_and_reset([("a", "1")]).await.map(|attempt| attempt.applied),
            "reset" => map.reset().await.map(|_| true),
            "destroy" => map.destroy().await.map(|_| true),
            _ => panic!("no write {name}"),
        }
    };
    must_end(writing).await
}

/// The code of the server's refusal. Any other result fails the test.
#[track_caller]
pub(crate) fn refused(result: Result<bool, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error}");
    let Error::Rejected { cause, .. } = error else { panic!("not by the server: {error}") };
    cause.code
}

/// Repeats a fault that may also close connections, until a write reaches the server and is refused with this code.
/// Returns the number of writes of unknown outcome.
pub(crate) async fn refused_under(
    cast: &mut Cast,
    code: &str,
    begin: impl AsyncFn(&mut Cast),
    end: impl AsyncFn(&mut Cast),
) -> i64 {
    let mut unknown = 0;
    loop {
        begin(cast).await;
        let result = must_end(cast.writer.inc("n", 1)).await;
        end(cast).await;
        cast.agree().await;
        let error = result.unwrap_err();
        if let Error::Rejected { cause, .. } = error {
            assert_eq!(cause.code, code);
            return unknown;
        }
        match error.outcome() {
            Some(Outcome::Indeterminate) => unknown += 1,
            outcome => assert_eq!(outcome, Some(Outcome::Rejected), "{error}"),
        }
    }
}

/// A client that soon detects silent losses.
pub(crate) fn client() -> ClientBuilder {
    Client::builder().maps(settings())
}

pub(crate) fn settings() -> MapSettings {
    MapSettings::default().probe_interval(Duration::from_millis(200)).sync_timeout(Duration::from_secs(60))
}

pub(crate) async fn join(client: ClientBuilder, url: impl AsRef<str>) -> Map {
    must_end(must_end(client.connect(url)).await.unwrap().map("flags").join()).await.unwrap()
}

pub(crate) struct Cast {
    pub(crate) server: Server,
    pub(crate) proxy: Proxy,
    pub(crate) writer: Map,
    pub(crate) reader: Map,
    pub(crate) raw: Connection,
}

impl Cast {
    pub(crate) async fn new() -> Self {
        Self::with(Server::builder(), |client| client).await
    }

    /// A cast with settings of the server and of the writer's client.
    pub(crate) async fn with(server: Builder, writer: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let server = server.start();
        let proxy = Proxy::new(&server).await;
        let writer = join(writer(client()), proxy.url()).await;
        let (reader, raw) = (join(client(), server.url()).await, server.connection());
        let mut cast = Self { server, proxy, writer, reader, raw };
        // From now on the server knows all scripts.
        for name in WRITES {
            cast.prepare().await;
            assert!(write(&cast.writer, name).await.unwrap(), "{name} is applied");
        }
        cast.prepare().await;
        cast.agree().await;
        cast
    }

    /// Creates the content that every write changes.
    pub(crate) async fn prepare(&self) {
        live(&self.reader).await;
        self.reader.reset().await.unwrap();
        for (key, value) in [("a", "1"), ("n", "1"), ("l", "[\"x\"]")] {
            must_end(self.reader.set_and_wait(key, value)).await.unwrap();
        }
    }

    pub(crate) fn run(&mut self, command: &[&str]) -> redis::Value {
        run(&mut self.raw, command)
    }

    pub(crate) fn stored(&mut self) -> BTreeMap<String, String> {
        stored(&mut self.raw)
    }

    pub(crate) fn revision(&mut self) -> u64 {
        cmd("HGET").arg(HASH).arg("=rev").query(&mut self.raw).unwrap()
    }

    /// Waits until both maps equal the server without a further write, and checks that the next write works.
    pub(crate) async fn agree(&mut self) {
        for map in [&self.writer, &self.reader] {
            agrees(map, &mut self.raw).await;
        }
        let written = committed(&self.writer, "agreed").await;
        must_end(self.reader.wait_for(written)).await.unwrap();
        agrees(&self.reader, &mut self.raw).await;
    }
}

pub(crate) fn run(raw: &mut Connection, command: &[&str]) -> redis::Value {
    cmd(command[0]).arg(&command[1..]).query(raw).unwrap()
}

/// All fields of the hash.
pub(crate) fn stored(raw: &mut Connection) -> BTreeMap<String, String> {
    cmd("HGETALL").arg(HASH).query(raw).unwrap()
}

pub(crate) async fn live(map: &Map) {
    eventually_async("the map is live", || map.status().is_live()).await;
}

/// Waits until the map equals the server.
pub(crate) async fn agrees(map: &Map, raw: &mut Connection) {
    must_end(map.sync()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (view, mut hash) = (map.view(), stored(raw));
    let revision = hash.remove("=rev").map(|text| text.parse().unwrap());
    hash.retain(|field, _| !field.contains('='));
    let content: BTreeMap<_, _> =
        view.iter().map(|(key, value)| (text(key.as_bytes()), text(value.as_bytes()))).collect();
    assert_eq!((view.revision().map(rmap_client::Revision::get), content), (revision, hash));
}

/// Writes until there is a connection and the write succeeds. A refused write changed nothing, so it may be repeated.
pub(crate) async fn committed(map: &Map, key: &str) -> rmap_client::Revision {
    let writing = async {
        loop {
            match map.set(key, "yes").await {
                Ok(written) => return written.revision,
                Err(error) => assert!(matches!(error, Error::NotSent { .. }), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    must_end(writing).await
}

/// True if a write waits at the server for the end of a pause.
pub(crate) fn a_write_waits(raw: &mut Connection) -> bool {
    let list: String = cmd("CLIENT").arg("LIST").query(raw).unwrap();
    list.lines().any(|client| client.contains(" flags=b "))
}
