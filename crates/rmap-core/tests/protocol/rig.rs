//! A replica under test, with its inputs and collected outputs.

use std::collections::VecDeque;
use std::time::Duration;

use rmap_core::{Disposition, EventKind, Nonce, Output, Phase, Replica, ReplicaSettings, Request, RequestId};
use rmap_proto::{Change, Entries, Notification, Page, Probe, ReadReply, Replication, Revision, Snapshot};

pub(crate) const BORN: u64 = 1_790_000_000_000;
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const SERVER: &str = "server-1";
/// The replication offset and the clock of the server.
pub(crate) const OFFSET: u64 = 1000;
pub(crate) const CLOCK: u64 = BORN + 60_000;

pub(crate) fn rev(number: u64) -> Revision {
    Revision::new(number).unwrap()
}

pub(crate) fn set(number: u64, key: &str, value: &str) -> Vec<u8> {
    Notification::new(rev(number), Change::Set { key: key.as_bytes(), value: value.as_bytes() }).encode()
}

pub(crate) fn tagged(number: u64, key: &str, value: &str, born: bool, remaining: u32) -> Vec<u8> {
    let change = Change::Set { key: key.as_bytes(), value: value.as_bytes() };
    Notification::new(rev(number), change).born(born).remaining(remaining).encode()
}

pub(crate) fn delete(number: u64, key: &str) -> Vec<u8> {
    Notification::new(rev(number), Change::Delete { key: key.as_bytes() }).encode()
}

pub(crate) fn reset(number: u64) -> Vec<u8> {
    Notification::new(rev(number), Change::Reset).encode()
}

pub(crate) fn entries(pairs: &[(&str, &str)]) -> Entries {
    let bytes = |text: &str| text.as_bytes().to_vec().into();
    let content = pairs.iter().map(|(key, value)| (bytes(key), bytes(value))).collect();
    Entries::new(content, vec!["=rev".into(), "=kind".into()])
}

pub(crate) fn probe(revision: Option<u64>, keys: u64) -> Probe {
    let fields = if revision.is_some() { keys + 2 } else { 0 };
    let server = Replication::new(SERVER.into(), OFFSET);
    Probe::new(revision.map(rev), fields).replication(Some(server)).clock(Some(CLOCK))
}

/// A probe of another server, which continues no history.
pub(crate) fn elsewhere(probe: Probe) -> Probe {
    probe.replication(Some(Replication::new("server-2".into(), OFFSET)))
}

pub(crate) fn snapshot(revision: u64, pairs: &[(&str, &str)]) -> ReadReply {
    let probe = probe(Some(revision), pairs.len() as u64);
    ReadReply::Snapshot(Snapshot::new(probe, Some(entries(pairs))))
}

pub(crate) fn no_hash() -> ReadReply {
    ReadReply::Snapshot(Snapshot::new(probe(None, 0), Some(Entries::default())))
}

pub(crate) fn page(cursor: u64, pairs: &[(&str, &str)], reserved: &[&'static str]) -> ReadReply {
    let mut entries = entries(pairs);
    entries.reserved = reserved.iter().map(|&name| name.into()).collect();
    ReadReply::Page(Page::new(cursor, entries))
}

/// A replica with its outputs, sorted by kind.
pub(crate) struct Rig {
    pub(crate) replica: Replica,
    pub(crate) now: Duration,
    /// The number of the last pair of connections.
    pub(crate) connection: u64,
    pub(crate) nonce: Option<Nonce>,
    /// Requests that the replica still waits for and that the test has not taken.
    pub(crate) asked: VecDeque<(RequestId, Request)>,
    pub(crate) replaced: Option<u64>,
    pub(crate) event: Option<EventKind>,
}

impl Rig {
    pub(crate) fn new(settings: ReplicaSettings) -> Self {
        let mut replica = Replica::new(settings, 1);
        replica.observe_changes(true);
        Self {
            replica,
            now: SECOND,
            connection: 0,
            nonce: None,
            asked: VecDeque::new(),
            replaced: None,
            event: None,
        }
    }

    pub(crate) fn connected(settings: ReplicaSettings) -> Self {
        let mut rig = Self::new(settings);
        rig.connect(1);
        rig
    }

    /// A live replica at `BORN` with a=1.
    pub(crate) fn live() -> Self {
        let mut rig = Self::connected(ReplicaSettings::default());
        rig.answer(snapshot(BORN, &[("a", "1")]));
        assert_eq!(rig.phase(), Phase::Live);
        rig.event = None;
        rig
    }

    pub(crate) fn connect(&mut self, connection: u64) {
        self.connection = connection;
        self.replica.handle_connected(self.now, connection);
        self.drain();
        let nonce = self.nonce.take().expect("a subscription is asked for");
        self.replica.handle_subscribed(self.now, &nonce);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while self.poll(1) {}
    }

    /// Takes up to `most` outputs. False when there were no more.
    pub(crate) fn poll(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let Some(output) = self.replica.poll_output() else { return false };
            match output {
                Output::Subscribe { nonce } => self.nonce = Some(nonce),
                Output::Request { id, request } => {
                    // Only pages of one scan may be in flight together.
                    if !matches!(request, Request::Page { cursor: 1.., .. }) {
                        self.asked.clear();
                    }
                    self.asked.push_back((id, request));
                }
                Output::ReplaceConnections { connection } => self.replaced = Some(connection),
                Output::Changed(kind) => self.event = self.event.max(Some(kind)),
                Output::StatusChanged => {}
            }
        }
        true
    }

    pub(crate) fn notify(&mut self, payload: &[u8]) -> Disposition {
        let disposition = self.replica.handle_notification(self.now, payload);
        self.drain();
        disposition
    }

    pub(crate) fn lag(&mut self) {
        self.replica.handle_lagged(self.now);
        self.drain();
    }

    pub(crate) fn asked(&mut self) -> (RequestId, Request) {
        self.asked.pop_front().expect("something is asked for")
    }

    pub(crate) fn mark(&mut self, id: RequestId) {
        self.replica.handle_mark(self.now, id.get().to_string().as_bytes());
        self.drain();
    }

    pub(crate) fn reply(&mut self, id: RequestId, reply: ReadReply) {
        self.replica.handle_reply(self.now, id, Ok(reply));
        self.drain();
    }

    /// Answers the oldest request: the mark, then the reply.
    pub(crate) fn answer(&mut self, reply: ReadReply) {
        let (id, request) = self.asked();
        if !matches!(request, Request::Page { .. }) {
            self.mark(id);
        }
        self.reply(id, reply);
    }

    /// Lets time pass until something is due.
    pub(crate) fn wait(&mut self) {
        self.now = self.now.max(self.replica.poll_timeout().expect("something is due"));
        self.replica.handle_timeout(self.now);
        self.drain();
    }

    /// Does the remaining work.
    pub(crate) fn work(&mut self) {
        while self.replica.do_work(1) {
            self.drain();
        }
        self.drain();
    }

    pub(crate) fn phase(&self) -> Phase {
        self.replica.status().phase
    }

    pub(crate) fn shows(&self, revision: Option<u64>, pairs: &[(&str, &str)]) {
        let view = self.replica.reader().view();
        let mut shown: Vec<_> =
            view.iter().map(|(key, value)| (key.as_str().unwrap(), value.as_str().unwrap())).collect();
        shown.sort_unstable();
        assert_eq!((view.revision(), &shown[..]), (revision.map(rev), pairs));
    }

    pub(crate) fn changes(&mut self) -> Vec<(String, Option<String>, Option<String>)> {
        let text = |value: rmap_core::Value| value.as_str().unwrap().to_owned();
        std::iter::from_fn(|| self.replica.poll_change())
            .map(|change| (change.key.to_string(), change.old.map(text), change.new.map(text)))
            .collect()
    }
}

pub(crate) fn change(
    key: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> (String, Option<String>, Option<String>) {
    (key.to_owned(), old.map(str::to_owned), new.map(str::to_owned))
}
