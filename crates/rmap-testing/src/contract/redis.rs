//! The transport to Redis on a private server.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Connection, cmd};
use rmap_client::MapName;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
use rmap_client::transport::{BoxFuture, Transport};

use super::backend::{Backend, Fields};
use crate::{Listener, Server};

/// A private server and the transport to Redis.
#[derive(Debug)]
pub struct RedisBackend {
    server: Server,
    raw: Raw,
    listener: Option<Listener>,
}

struct Raw(Connection);

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a connection")
    }
}

impl RedisBackend {
    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When the program is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let server = Server::start();
        let raw = Raw(server.connection());
        Self { server, raw, listener: None }
    }

    /// The server.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }
}

impl Backend for RedisBackend {
    fn connect(&mut self) -> BoxFuture<'_, Arc<dyn Transport>> {
        Box::pin(async {
            let options = RedisOptions::from_url(&self.server.url()).unwrap();
            let transport: Arc<dyn Transport> = RedisTransport::connect(options).await.unwrap();
            transport
        })
    }

    fn listen<'a>(&'a mut self, map: &'a MapName) -> BoxFuture<'a, ()> {
        self.listener = Some(Listener::new(&self.server, map.updates_channel()));
        Box::pin(std::future::ready(()))
    }

    fn published(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        let published = self.listener.as_ref().expect("it listens").take();
        Box::pin(std::future::ready(published))
    }

    fn go_away(&mut self) {
        self.server.kill();
    }

    fn clock(&mut self) -> u64 {
        let (seconds, micros): (u64, u64) = cmd("TIME").query(&mut self.raw.0).unwrap();
        seconds * 1000 + micros / 1000
    }

    fn fields(&mut self, map: &MapName) -> Fields {
        on_hash(map, "HGETALL").query(&mut self.raw.0).unwrap()
    }

    fn set_field(&mut self, map: &MapName, field: &[u8], value: &[u8]) {
        on_hash(map, "HSET").arg(field).arg(value).exec(&mut self.raw.0).unwrap();
    }

    fn remove_field(&mut self, map: &MapName, field: &[u8]) {
        on_hash(map, "HDEL").arg(field).exec(&mut self.raw.0).unwrap();
    }

    fn delete_hash(&mut self, map: &MapName) {
        on_hash(map, "DEL").exec(&mut self.raw.0).unwrap();
    }

    fn set_ttl(&mut self, map: &MapName, ttl: Option<Duration>) {
        match ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap()) {
            Some(millis) => on_hash(map, "PEXPIRE").arg(millis).exec(&mut self.raw.0).unwrap(),
            None => on_hash(map, "PERSIST").exec(&mut self.raw.0).unwrap(),
        }
    }

    fn ttl(&mut self, map: &MapName) -> Option<Duration> {
        let left: i64 = on_hash(map, "PTTL").query(&mut self.raw.0).unwrap();
        u64::try_from(left).ok().map(Duration::from_millis)
    }
}

fn on_hash(map: &MapName, command: &str) -> Cmd {
    let mut command = cmd(command);
    command.arg(&map.hash_key()[..]);
    command
}
