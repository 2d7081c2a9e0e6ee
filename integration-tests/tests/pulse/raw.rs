//! Direct access to the hash of a map.

use std::collections::BTreeMap;

use integration_tests::Server;
use redis::{Connection, cmd};

pub(crate) type Hash = BTreeMap<Vec<u8>, Vec<u8>>;

/// Remaining time to live that scenarios about it set before their operations.
const LOWERED_MS: i64 = 50_000;

/// The hash of one map.
pub(crate) struct Raw {
    connection: Connection,
    name: String,
}

impl Raw {
    pub(crate) fn new(server: &Server, name: impl Into<String>) -> Self {
        Self { connection: server.connection(), name: name.into() }
    }

    fn key(&self) -> String {
        format!("map:{}:content", self.name)
    }

    pub(crate) fn channel(&self) -> String {
        format!("map:{}:updates", self.name)
    }

    /// All fields.
    pub(crate) fn hash(&mut self) -> Hash {
        cmd("HGETALL").arg(self.key()).query(&mut self.connection).unwrap()
    }

    /// The fields that are content.
    pub(crate) fn content(&mut self) -> Hash {
        let mut hash = self.hash();
        hash.retain(|field, _| !field.contains(&b'='));
        hash
    }

    /// The field `=rev`, which must be a number.
    pub(crate) fn revision(&mut self) -> u64 {
        cmd("HGET").arg(self.key()).arg("=rev").query(&mut self.connection).unwrap()
    }

    pub(crate) fn write(&mut self, field: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let mut command = cmd("HSET");
        command.arg(self.key()).arg(field.as_ref()).arg(value.as_ref());
        let _added: u8 = command.query(&mut self.connection).unwrap();
    }

    pub(crate) fn remove(&mut self, field: &[u8]) {
        let _removed: u8 = cmd("HDEL").arg(self.key()).arg(field).query(&mut self.connection).unwrap();
    }

    pub(crate) fn publish(&mut self, payload: &[u8]) {
        let channel = self.channel();
        let _receivers: u64 = cmd("PUBLISH").arg(channel).arg(payload).query(&mut self.connection).unwrap();
    }

    /// Lets 50 s of the time to live remain.
    pub(crate) fn lower_ttl(&mut self) {
        let _lowered: u8 =
            cmd("PEXPIRE").arg(self.key()).arg(LOWERED_MS).query(&mut self.connection).unwrap();
    }

    /// The time to live in the words of the traces.
    pub(crate) fn ttl(&mut self) -> &'static str {
        match cmd("PTTL").arg(self.key()).query(&mut self.connection).unwrap() {
            -2 => "no hash",
            -1 => "none",
            ..=LOWERED_MS => "about 50 s",
            _ => "about 100 s",
        }
    }
}
