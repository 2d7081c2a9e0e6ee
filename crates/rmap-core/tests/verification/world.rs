//! One replica, the model of the authority, and a line between them, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rmap_core::{
    EventKind, Failure, Nonce, Output, Phase, Reader, Replica, ReplicaSettings, Request, RequestId, Verified,
};
use rmap_model::Authority;
use rmap_proto::{
    Change, KIND_FIELD, Key, KeyOperation, Mark, Notification, Operation, REVISION_FIELD, Read, ReadReply,
    Revision, Ttl, Write, is_reserved,
};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The server's clock at the beginning, in milliseconds.
const CLOCK: u64 = 1_790_000_000_000;

pub(crate) type Content = BTreeMap<Vec<u8>, Vec<u8>>;

enum Message {
    Update(Vec<u8>),
    Mark(RequestId),
}

pub(crate) struct World {
    pub(crate) server: Authority,
    pub(crate) replica: Replica,
    pub(crate) reader: Reader,
    pub(crate) now: Duration,
    /// Time of the way to the server and back, and of each field of a page.
    pub(crate) round_trip: Duration,
    pub(crate) field_time: Duration,
    /// While true, no publication arrives.
    pub(crate) held_up: bool,
    /// Failures that answer the next pages.
    pub(crate) page_failures: VecDeque<Option<Failure>>,
    /// Every issued request, with its time.
    pub(crate) asked: Vec<(Duration, Request)>,
    /// The strongest event, and the changes in order.
    pub(crate) event: Option<EventKind>,
    pub(crate) changes: Vec<rmap_core::Change>,
    folded: Content,
    messages: VecDeque<Message>,
    replies: Vec<(Duration, RequestId, Result<ReadReply, Failure>)>,
    connection: u64,
    subscribed: bool,
}

impl World {
    pub(crate) fn new(settings: ReplicaSettings) -> Self {
        let mut server = Authority::new();
        server.set_replication_id(Some("server".into()));
        let mut replica = Replica::new(settings, 7);
        replica.observe_changes(true);
        let reader = replica.reader();
        Self {
            server,
            replica,
            reader,
            now: SECOND,
            round_trip: MS,
            field_time: Duration::ZERO,
            held_up: false,
            page_failures: VecDeque::new(),
            asked: Vec::new(),
            event: None,
            changes: Vec::new(),
            folded: Content::new(),
            messages: VecDeque::new(),
            replies: Vec::new(),
            connection: 0,
            subscribed: false,
        }
    }

    /// A live replica of a map with `keys` keys: `k0` and so on.
    pub(crate) fn joined(settings: ReplicaSettings, keys: usize) -> Self {
        let mut world = Self::new(settings);
        for number in 0..keys {
            world.set(&format!("k{number}"), "v");
        }
        world.connect();
        world.until("the join", |world| world.is_live());
        world.forget();
        world
    }

    pub(crate) fn connect(&mut self) {
        self.connection += 1;
        self.replica.handle_connected(self.now, self.connection);
        self.drain();
    }

    pub(crate) fn cut(&mut self) {
        self.subscribed = false;
        self.messages.clear();
        self.replies.clear();
        self.replica.handle_disconnected(self.now, "cut");
        self.drain();
    }

    /// Forgets the requests, events and changes so far.
    pub(crate) fn forget(&mut self) {
        self.asked.clear();
        self.changes.clear();
        self.event = None;
    }

    pub(crate) fn clock(&self) -> u64 {
        CLOCK + u64::try_from(self.now.as_millis()).unwrap()
    }

    pub(crate) fn write(&mut self, operation: Operation) -> Revision {
        let (written, payloads) = self.server.write(self.clock(), &Write::new(operation, Ttl::None)).unwrap();
        payloads.into_iter().for_each(|payload| self.publish(payload));
        written.revision.unwrap()
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) -> Revision {
        let (key, value) = (Key::new(key).unwrap(), value.as_bytes().to_vec().into());
        self.write(Operation::Key(KeyOperation::Set { key, value }))
    }

    /// Publishes a payload, as any user with the right to the map's channel can.
    pub(crate) fn publish(&mut self, payload: Vec<u8>) {
        if self.subscribed {
            self.messages.push_back(Message::Update(payload));
        }
    }

    pub(crate) fn forge(&mut self, revision: u64, key: &str, born: bool, remaining: u32) {
        let change = Change::Set { key: key.as_bytes(), value: b"evil" };
        let revision = Revision::new(revision).unwrap();
        self.publish(Notification::new(revision, change).born(born).remaining(remaining).encode());
    }

    /// Replaces the hash with a copy.
    pub(crate) fn restore(&mut self, copy: &Authority) {
        self.server = copy.clone();
    }

    pub(crate) fn revision(&self) -> u64 {
        self.server.revision().unwrap().unwrap().get()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.replica.status().phase == Phase::Live
    }

    pub(crate) fn is_exact(&self) -> bool {
        let revision = self.server.revision().unwrap();
        self.reader.revision() == revision && self.shown() == self.stored()
    }

    pub(crate) fn shown(&self) -> Content {
        let view = self.reader.view();
        view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    pub(crate) fn stored(&self) -> Content {
        let fields = self.server.fields().into_iter();
        fields
            .filter(|(key, _)| !is_reserved(key))
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect()
    }

    pub(crate) fn sync(&mut self) {
        self.replica.handle_sync(self.now);
        self.drain();
    }

    /// Requests a verification and waits for its end.
    pub(crate) fn verified(&mut self) -> Verified {
        self.replica.handle_verify(self.now);
        let mut outcome = None;
        self.until("the verification", |world| {
            outcome = world.replica.poll_verified();
            outcome.is_some()
        });
        outcome.unwrap().unwrap()
    }

    /// Number of pages, snapshots and probes requested since the last [`World::forget`].
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for (_, request) in &self.asked {
            match request {
                Request::Page { .. } => counts.0 += 1,
                Request::Snapshot { .. } => counts.1 += 1,
                Request::Probe => counts.2 += 1,
            }
        }
        counts
    }

    /// Lets time pass from event to event until something holds, at most an hour.
    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_secs(3600);
        while !holds(self) {
            assert!(self.now < end, "{what} did not come: {:?}", self.replica.status());
            self.step(end);
        }
        self.check_changes();
    }

    fn check_changes(&self) {
        if !self.replica.has_work() {
            assert_eq!(self.folded, self.shown(), "the changes give the content");
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step(end);
        }
        self.step(end);
        self.check_changes();
    }

    /// Takes what has arrived. If nothing has, time moves to the next event.
    pub(crate) fn step(&mut self, end: Duration) {
        let message = if self.held_up { None } else { self.messages.pop_front() };
        if let Some(message) = message {
            match message {
                Message::Update(payload) => {
                    self.replica.handle_notification(self.now, &payload);
                }
                Message::Mark(id) => self.replica.handle_mark(self.now, id.get().to_string().as_bytes()),
            }
        } else if let Some(due) = self.replies.iter().position(|(at, ..)| *at <= self.now) {
            let (_, id, reply) = self.replies.remove(due);
            self.replica.handle_reply(self.now, id, reply);
        } else if self.replica.poll_timeout().is_some_and(|at| at <= self.now) {
            self.replica.handle_timeout(self.now);
        } else if self.replica.has_work() {
            self.replica.do_work(self.replica.work_budget());
        } else {
            let replies = self.replies.iter().map(|(at, ..)| *at);
            self.now = replies.chain(self.replica.poll_timeout()).min().unwrap_or(end).min(end);
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => self.subscribe(&nonce),
                Output::Request { id, request } => self.execute(id, request),
                Output::Changed(kind) => self.event = self.event.max(Some(kind)),
                Output::ReplaceConnections { .. } => {
                    self.cut();
                    self.connect();
                }
                Output::StatusChanged => {}
            }
        }
        while let Some(change) = self.replica.poll_change() {
            let key = change.key.as_bytes().to_vec();
            let old = match &change.new {
                Some(new) => self.folded.insert(key, new.as_bytes().to_vec()),
                None => self.folded.remove(&key),
            };
            assert_eq!(old.as_deref(), change.old.as_ref().map(|value| value.as_bytes()), "{change:?}");
            self.changes.push(change);
        }
    }

    fn subscribe(&mut self, nonce: &Nonce) {
        self.subscribed = true;
        self.replica.handle_subscribed(self.now, nonce);
    }

    /// The server carries out requests at once, and the answers stay in flight for a while.
    fn execute(&mut self, id: RequestId, request: Request) {
        self.asked.push((self.now, request));
        let mark = Mark::new("private".into(), id.get());
        let (read, marked) = match request {
            Request::Snapshot { max_fields, max_bytes } => {
                (Read::Snapshot { mark, max_fields, max_bytes }, true)
            }
            Request::Probe => (Read::Probe { mark }, true),
            Request::Page { cursor, count } => (Read::Page { cursor, count }, false),
        };
        let reply = self.server.read(self.clock(), &read).unwrap();
        let fields = if let ReadReply::Page(page) = &reply { page.entries.content.len() } else { 0 };
        let at = self.now + self.round_trip + self.field_time * u32::try_from(fields).unwrap();
        if marked {
            self.messages.push_back(Message::Mark(id));
            self.replies.push((at, id, Ok(reply)));
        } else if let Some(failure) = self.page_failures.pop_front() {
            self.replies.extend(failure.map(|failure| (at, id, Err(failure))));
        } else {
            self.replies.push((at, id, Ok(reply)));
        }
    }
}

/// A life of the hash that somebody wrote by hand, with this revision and these keys.
pub(crate) fn life(revision: u64, keys: &[(&str, &str)]) -> Authority {
    let mut server = Authority::new();
    server.set_replication_id(Some("server".into()));
    for (key, value) in keys {
        server.hset(key, value);
    }
    server.hset(REVISION_FIELD, revision.to_string());
    server.hset(KIND_FIELD, "set");
    server
}
