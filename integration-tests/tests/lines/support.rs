//! A server, a line, and maps behind it.

use std::time::Duration;

use integration_tests::{Direction, Line, Server, eventually_async, must_end};
use redis::{Connection, pipe};
use rmap_client::{Client, ClientBuilder, Map, MapSettings};

/// Fills the hash of a map with `count` values of `bytes` bytes. Returns the bytes of keys and values.
pub(crate) fn fill(raw: &mut Connection, map: &str, count: usize, bytes: usize) -> u64 {
    let hash = format!("map:{map}:content");
    let (value, mut sum) = (vec![b'x'; bytes], 0);
    let mut pipeline = pipe();
    for number in 0..count {
        let key = format!("{bytes}/{number}");
        sum += (key.len() + bytes) as u64;
        pipeline.cmd("HSET").arg(&hash).arg(key).arg(&value).ignore();
    }
    pipeline.cmd("HSET").arg(&hash).arg("=rev").arg("1790000000000").arg("=kind").arg("set").ignore();
    pipeline.exec(raw).unwrap();
    sum
}

/// A client with short timeouts, so that tests need not wait for long. Writes and joins have one second.
pub(crate) fn impatient() -> ClientBuilder {
    let second = Duration::from_secs(1);
    let settings = MapSettings::default().request_timeout(Duration::from_millis(300)).join_timeout(second);
    Client::builder().maps(settings).command_timeout(second)
}

pub(crate) async fn connect(client: ClientBuilder, url: impl AsRef<str>) -> Client {
    must_end(client.connect(url)).await.unwrap()
}

/// A map directly at the server.
pub(crate) async fn writer(server: &Server, map: &str) -> Map {
    must_end(connect(Client::builder(), server.url()).await.map(map).join()).await.unwrap()
}

/// Waits until the map equals the server without a further write.
pub(crate) async fn follows(map: &Map, writer: &Map) {
    eventually_async("the map is repaired", || {
        map.status().is_live() && map.revision() == writer.revision() && map.len() == writer.len()
    })
    .await;
    let (shown, expected) = (map.view(), writer.view());
    assert!(expected.iter().all(|(key, value)| shown.get(key.as_bytes()) == Some(value)), "{}", map.status());
}

/// The bytes that crossed a line to the clients.
pub(crate) struct Crossed<'a> {
    line: &'a Line,
    before: u64,
}

impl<'a> Crossed<'a> {
    pub(crate) fn since_now(line: &'a Line) -> Self {
        Self { line, before: line.crossed(Direction::Replies) }
    }

    #[track_caller]
    pub(crate) fn assert_at_most(&self, bytes: u64) {
        let crossed = self.line.crossed(Direction::Replies) - self.before;
        assert!(crossed <= bytes, "{crossed} bytes crossed, more than {bytes}");
    }

    /// Asserts that the content crossed once, and nothing was requested again.
    #[track_caller]
    pub(crate) fn assert_once(&self, bytes: u64) {
        let crossed = self.line.crossed(Direction::Replies) - self.before;
        println!("{crossed} bytes crossed for {bytes}");
        assert!(crossed >= bytes && crossed < bytes + bytes / 4, "{crossed} bytes crossed for {bytes}");
    }
}
