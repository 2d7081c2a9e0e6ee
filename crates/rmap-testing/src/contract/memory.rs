//! The transport in memory.

use std::sync::Arc;
use std::time::Duration;

use rmap_client::transport::{BoxFuture, Transport};
use rmap_client::{MapName, MemoryServer};

use super::backend::{Backend, Fields};
use super::listening::Listening;

/// A server in memory.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    server: MemoryServer,
    listening: Option<Listening>,
}

impl Backend for MemoryBackend {
    fn connect(&mut self) -> BoxFuture<'_, Arc<dyn Transport>> {
        let transport: Arc<dyn Transport> = self.server.transport();
        Box::pin(std::future::ready(transport))
    }

    fn listen<'a>(&'a mut self, map: &'a MapName) -> BoxFuture<'a, ()> {
        Box::pin(async { self.listening = Some(Listening::start(self.connect().await, map).await) })
    }

    fn published(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        Box::pin(self.listening.as_ref().expect("it listens").take())
    }

    fn go_away(&mut self) {
        self.server.go_down();
    }

    fn clock(&mut self) -> u64 {
        self.server.with_hash(&MapName::new("clock").unwrap(), |_, now| now)
    }

    fn fields(&mut self, map: &MapName) -> Fields {
        self.server.with_hash(map, |hash, now| {
            hash.advance(now);
            hash.fields().into_iter().map(|(field, value)| (field.into(), value.into())).collect()
        })
    }

    fn set_field(&mut self, map: &MapName, field: &[u8], value: &[u8]) {
        self.server.with_hash(map, |hash, _| hash.hset(field, value));
    }

    fn remove_field(&mut self, map: &MapName, field: &[u8]) {
        self.server.with_hash(map, |hash, _| {
            hash.hdel(field);
        });
    }

    fn delete_hash(&mut self, map: &MapName) {
        self.server.with_hash(map, |hash, _| hash.delete_hash());
    }

    fn set_ttl(&mut self, map: &MapName, ttl: Option<Duration>) {
        self.server.with_hash(map, |hash, now| match ttl {
            Some(ttl) => hash.expire(now, ttl),
            None => hash.persist(),
        });
    }

    fn ttl(&mut self, map: &MapName) -> Option<Duration> {
        self.server.with_hash(map, |hash, now| hash.ttl(now))
    }
}
