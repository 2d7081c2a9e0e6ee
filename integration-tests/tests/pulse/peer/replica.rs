//! The peer's copy of a map, and the code that keeps it current.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use integration_tests::Server;
use redis::{Connection, Value, cmd};

use crate::raw::Hash;
use crate::wire::{self, Event};

/// An event that the peer emits to its subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Change,
    Delete,
    Reset,
}

#[derive(Debug, Default)]
pub(super) struct Replica {
    pub(super) content: Hash,
    pub(super) revision: u64,
    pub(super) events: Vec<Kind>,
    pub(super) unreadable: Vec<Vec<u8>>,
    pub(super) stopped: bool,
    /// The last fence that arrived.
    pub(super) fence: u64,
}

impl Replica {
    /// Installs the content of the hash, unless a notification was faster. Unknown fields count as content.
    pub(super) fn start(&mut self, mut hash: Hash) {
        let revision =
            hash.remove(&b"=rev"[..]).map_or(0, |text| std::str::from_utf8(&text).unwrap().parse().unwrap());
        hash.remove(&b"=kind"[..]);
        if revision >= self.revision {
            (self.content, self.revision) = (hash, revision);
        }
    }

    /// Applies a notification with a higher revision, whatever lies between. Ignores every other notification.
    fn receive(&mut self, payload: Vec<u8>) {
        if self.stopped {
            return;
        }
        let Some(message) = wire::parse(&payload) else {
            self.unreadable.push(payload);
            return;
        };
        if let Event::Set { key, .. } | Event::Delete { key } = &message.event
            && key.contains(&b'=')
        {
            return;
        }
        if message.revision <= self.revision {
            return;
        }
        self.revision = message.revision;
        self.events.push(apply(&mut self.content, message.event));
    }
}

fn apply(content: &mut Hash, event: Event) -> Kind {
    match event {
        Event::Set { key, value } => {
            content.insert(key, value);
            Kind::Change
        }
        Event::Delete { key } => {
            content.remove(&key);
            Kind::Delete
        }
        Event::Reset | Event::Destroy => {
            content.clear();
            Kind::Reset
        }
    }
}

/// A copy that follows the channel until the server ends.
pub(super) fn follow(server: &Server, channel: String, fence: String) -> Arc<Mutex<Replica>> {
    let mut connection = server.connection();
    let subscribe = cmd("SUBSCRIBE").arg(&channel).arg(&fence).get_packed_command();
    connection.send_packed_command(&subscribe).unwrap();
    for _ in [&channel, &fence] {
        connection.recv_response().unwrap();
    }
    let replica = Arc::new(Mutex::new(Replica::default()));
    let fed = Arc::clone(&replica);
    thread::spawn(move || {
        while let Some((from, payload)) = message(&mut connection) {
            let mut replica = fed.lock().unwrap_or_else(PoisonError::into_inner);
            if from == channel.as_bytes() {
                replica.receive(payload);
            } else {
                replica.fence = std::str::from_utf8(&payload).unwrap().parse().unwrap();
            }
        }
    });
    replica
}

/// Channel and payload of the next message, or `None` when the connection is gone.
fn message(connection: &mut Connection) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_kind, channel, payload): (Value, _, _) =
        redis::from_redis_value(connection.recv_response().ok()?).ok()?;
    Some((channel, payload))
}
