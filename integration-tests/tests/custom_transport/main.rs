//! The transport of the example keeps the contract of transports, by itself and with its writes in groups.

mod grouped;

use std::sync::Arc;
use std::time::Duration;

use rmap_client::transport::{BoxFuture, Transport};
use rmap_client::{MapName, model};
use rmap_testing::contract::{Backend, Fields, Listening};

#[allow(dead_code, unreachable_pub, missing_docs, reason = "it is a program of its own")]
#[path = "../../../crates/rmap-client/examples/custom_transport.rs"]
mod example;

/// The example's server, seen past its transports.
#[derive(Debug)]
struct Own {
    store: example::Store,
    listening: Option<Listening>,
    transport: fn(&example::Store) -> Arc<dyn Transport>,
}

impl Own {
    fn new(transport: fn(&example::Store) -> Arc<dyn Transport>) -> Self {
        Self { store: example::Store::default(), listening: None, transport }
    }

    fn with_hash<R>(&self, map: &MapName, work: impl FnOnce(&mut model::Authority) -> R) -> R {
        work(self.store.state().maps.entry(map.clone()).or_default())
    }
}

impl Backend for Own {
    fn connect(&mut self) -> BoxFuture<'_, Arc<dyn Transport>> {
        Box::pin(async { (self.transport)(&self.store) })
    }

    fn listen<'a>(&'a mut self, map: &'a MapName) -> BoxFuture<'a, ()> {
        Box::pin(async { self.listening = Some(Listening::start(self.connect().await, map).await) })
    }

    fn published(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        Box::pin(self.listening.as_ref().expect("it listens").take())
    }

    fn go_away(&mut self) {
        self.store.go_down();
    }

    fn clock(&mut self) -> u64 {
        example::now()
    }

    fn fields(&mut self, map: &MapName) -> Fields {
        self.with_hash(map, |hash| {
            hash.advance(example::now());
            hash.fields().into_iter().map(|(field, value)| (field.into(), value.into())).collect()
        })
    }

    fn set_field(&mut self, map: &MapName, field: &[u8], value: &[u8]) {
        self.with_hash(map, |hash| hash.hset(field, value));
    }

    fn remove_field(&mut self, map: &MapName, field: &[u8]) {
        self.with_hash(map, |hash| hash.hdel(field));
    }

    fn delete_hash(&mut self, map: &MapName) {
        self.with_hash(map, model::Authority::delete_hash);
    }

    fn set_ttl(&mut self, map: &MapName, ttl: Option<Duration>) {
        self.with_hash(map, |hash| match ttl {
            Some(ttl) => hash.expire(example::now(), ttl),
            None => hash.persist(),
        });
    }

    fn ttl(&mut self, map: &MapName) -> Option<Duration> {
        self.with_hash(map, |hash| hash.ttl(example::now()))
    }
}

mod alone {
    use super::Own;

    rmap_testing::contract_tests!(Own::new(|store| store.transport()));
}

mod in_groups {
    use super::Own;
    use super::grouped::Grouped;

    rmap_testing::contract_tests!(Own::new(Grouped::over));
}
