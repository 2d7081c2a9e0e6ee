//! The server of a history: the model of the authority, its clock, and every state that it had.

use std::collections::BTreeMap;
use std::time::Duration;

use rmap_model::Authority;
use rmap_proto::{
    BatchOperation, Change, KIND_FIELD, Key, KeyOperation, Notification, Operation, REVISION_FIELD, Read,
    ReadReply, Revision, Ttl, TtlMillis, Write, is_reserved,
};

use super::bytes::Input;

/// A revision, and the content of the hash at this revision.
pub(super) type State = (Option<Revision>, BTreeMap<Vec<u8>, Vec<u8>>);

const CLOCK: u64 = 1_790_000_000_000;

/// Jump of the clock between two lives of the hash, so that no revision recurs.
const BETWEEN_LIVES: u64 = 1_000_000;

pub(super) struct Server {
    authority: Authority,
    copy: Authority,
    ahead: u64,
    generation: u64,
    states: Vec<State>,
    /// The time at which each state began.
    began: Vec<Duration>,
}

impl Server {
    pub(super) fn new() -> Self {
        let mut authority = Authority::new();
        authority.set_replication_id(Some("0".into()));
        let copy = authority.clone();
        Self {
            authority,
            copy,
            ahead: 0,
            generation: 0,
            states: vec![(None, BTreeMap::new())],
            began: vec![Duration::ZERO],
        }
    }

    pub(super) fn states(&self) -> &[State] {
        &self.states
    }

    /// The number of the current state.
    pub(super) fn current(&self) -> usize {
        self.states.len() - 1
    }

    /// The number of the last state that began before a time.
    pub(super) fn state_before(&self, time: Duration) -> usize {
        self.began.partition_point(|began| *began < time).saturating_sub(1)
    }

    pub(super) fn state(&self) -> &State {
        self.states.last().expect("there is a first state")
    }

    fn clock(&self, now: Duration) -> u64 {
        CLOCK + self.ahead + u64::try_from(now.as_millis()).expect("a history is short")
    }

    /// Records the current state if it is new.
    pub(super) fn record(&mut self, now: Duration) {
        self.authority.advance(self.clock(now));
        let fields = self.authority.fields();
        let revision = match fields.get(REVISION_FIELD) {
            Some(text) => Revision::parse(text),
            None => (!fields.is_empty()).then_some(Revision::ZERO),
        };
        let content = fields.iter().filter(|(field, _)| !is_reserved(field));
        let state = (revision, content.map(|(key, value)| (key.to_vec(), value.to_vec())).collect());
        if *self.state() != state {
            if state.0.is_none() {
                self.ahead += BETWEEN_LIVES;
            }
            self.states.push(state);
            self.began.push(now);
        }
    }

    /// Performs one of our writes. Returns the published payloads.
    pub(super) fn write(
        &mut self,
        now: Duration,
        operation: Operation,
        input: &mut Input<'_>,
    ) -> Vec<Vec<u8>> {
        self.record(now);
        let ttl = match input.byte() {
            millis @ 250.. => TtlMillis::new(Duration::from_millis(u64::from(millis - 240))),
            _ => TtlMillis::new(Duration::ZERO),
        };
        let ttl = ttl.map_or(Ttl::None, Ttl::Sliding);
        let written = self.authority.write(self.clock(now), &Write::new(operation, ttl));
        self.record(now);
        written.map(|(_, payloads)| payloads).unwrap_or_default()
    }

    /// Performs a write as a Go peer does: a new hash starts at 1, and no tag marks the hash as new.
    pub(super) fn go_write(&mut self, now: Duration, input: &mut Input<'_>) -> Vec<u8> {
        self.record(now);
        let next = self.state().0.map_or(1, |revision| revision.get() + 1);
        let (key, value) = (input.key(), input.value());
        let revision = Revision::new(next).expect("a history is short");
        self.authority.hset(&key, &value);
        self.authority.hset(REVISION_FIELD, next.to_string());
        self.authority.hset(KIND_FIELD, "set");
        self.record(now);
        Notification::new(revision, Change::Set { key: &key, value: &value }).encode()
    }

    /// Writes a field without a notification.
    pub(super) fn write_behind(&mut self, now: Duration, input: &mut Input<'_>) {
        self.record(now);
        let field = if input.flag() { b"=unknown".to_vec() } else { input.key() };
        self.authority.hset(field, input.value());
        self.record(now);
    }

    pub(super) fn wipe(&mut self, now: Duration) {
        self.authority.delete_hash();
        self.record(now);
    }

    pub(super) fn keep_copy(&mut self) {
        self.copy = self.authority.clone();
    }

    /// Makes the copy take over.
    pub(super) fn fail_over(&mut self, now: Duration) {
        self.authority = self.copy.clone();
        self.generation += 1;
        self.authority.set_replication_id(Some(self.generation.to_string().into()));
        self.record(now);
    }

    pub(super) fn read(&mut self, now: Duration, read: &Read) -> Option<ReadReply> {
        self.record(now);
        self.authority.read(self.clock(now), read).ok()
    }
}

/// An operation on one key, or on the whole map.
pub(super) fn operation(input: &mut Input<'_>) -> Operation {
    let kind = input.byte();
    let key = Key::new(input.key()).expect("a sound key");
    let value = input.value().into();
    match kind % 16 {
        0..8 => Operation::Key(KeyOperation::Set { key, value }),
        8 => Operation::Key(KeyOperation::SetIfNotExists { key, value }),
        9 => Operation::Key(KeyOperation::TestAndSet { key, test: "1".into(), value }),
        10 | 11 => Operation::Key(KeyOperation::Delete { key }),
        12 => Operation::Key(KeyOperation::Inc { key, delta: 1 }),
        13 => Operation::Key(KeyOperation::RemoveValues { key, items: vec!["1".to_owned()] }),
        14 => Operation::Reset,
        _ => Operation::Destroy,
    }
}

pub(super) fn batch(input: &mut Input<'_>) -> Operation {
    let steps = (0..2 + input.byte() % 5).map(|_| step(input)).collect();
    Operation::Batch(BatchOperation::new(Vec::new(), steps))
}

fn step(input: &mut Input<'_>) -> KeyOperation {
    let key = Key::new(input.key()).expect("a sound key");
    if input.flag() {
        KeyOperation::Delete { key }
    } else {
        KeyOperation::Set { key, value: input.value().into() }
    }
}
