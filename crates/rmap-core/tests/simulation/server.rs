//! The server of the simulation: the model of the authority, its clock, and every state it ever had.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fastrand::Rng;
use rmap_model::Authority;
use rmap_proto::{
    Change, KIND_FIELD, Notification, Operation, REVISION_FIELD, Read, ReadReply, Replication, Revision, Ttl,
    TtlMillis, Write, is_reserved,
};

use crate::settings::{Operations, Settings, value};

/// Revision and content of a hash.
pub(crate) type State = (Option<Revision>, BTreeMap<Vec<u8>, Vec<u8>>);

/// A plausible server clock, in milliseconds.
const CLOCK: u64 = 1_790_000_000_000;

/// A clock right before the time from which no life can begin, because revisions would be too great.
const LATE_CLOCK: u64 = 100_000_000_000_000 - 1000;

/// Result of a write: its revision and the published payloads.
pub(crate) type Outcome = (Option<Revision>, Vec<Vec<u8>>);

/// Number of older copies to which a failover can fall back.
const COPIES: usize = 6;

pub(crate) struct Server {
    authority: Authority,
    copies: VecDeque<Authority>,
    /// Time by which the clock was set back.
    set_back: u64,
    /// Fixed value of the clock for the next write.
    pinned: Option<u64>,
    generation: u64,
    settings: Settings,
    states: Vec<(u64, State)>,
    /// The numbers of the states that a reset or a destroy made.
    cleared: BTreeSet<usize>,
}

impl Server {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut server = Self {
            authority: Authority::new(),
            copies: VecDeque::new(),
            set_back: 0,
            pinned: None,
            generation: 0,
            settings,
            states: vec![(0, (None, BTreeMap::new()))],
            cleared: BTreeSet::new(),
        };
        server.name_itself();
        server
    }

    fn name_itself(&mut self) {
        let id = (!self.settings.info_denied).then(|| self.generation.to_string().into());
        self.authority.set_replication_id(id);
    }

    fn clock(&self, now: u64) -> u64 {
        let base = if self.settings.late { LATE_CLOCK } else { CLOCK };
        self.pinned.unwrap_or_else(|| (base + now).saturating_sub(self.set_back))
    }

    /// Every state so far, with the time at which it began.
    pub(crate) fn states(&self) -> &[(u64, State)] {
        &self.states
    }

    /// True when a reset or a destroy made the state with this number.
    pub(crate) fn is_cleared(&self, number: usize) -> bool {
        self.cleared.contains(&number)
    }

    /// Number of the current state.
    pub(crate) fn current(&self) -> usize {
        self.states.len() - 1
    }

    /// Number of the state right before a time.
    pub(crate) fn state_before(&self, time: u64) -> usize {
        self.states.partition_point(|(began, _)| *began < time).saturating_sub(1)
    }

    /// Records the state if a write or an expiry changed it.
    pub(crate) fn record(&mut self, now: u64) {
        let state = self.state(now);
        if self.states.last().is_none_or(|(_, last)| *last != state) {
            self.states.push((now, state));
            let kind = self.authority.fields().get(KIND_FIELD).cloned();
            if kind.is_some_and(|kind| kind == "reset" || kind == "destroy") {
                self.cleared.insert(self.current());
            }
        }
    }

    fn state(&mut self, now: u64) -> State {
        self.authority.advance(self.clock(now));
        let fields = self.authority.fields();
        let revision = match fields.get(REVISION_FIELD) {
            Some(text) => Revision::parse(text),
            None => (!fields.is_empty()).then_some(Revision::ZERO),
        };
        let content = fields.iter().filter(|(field, _)| !is_reserved(field));
        (revision, content.map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    /// Performs one of our writes.
    pub(crate) fn write(&mut self, now: u64, operation: Operation, ttl: bool, rng: &mut Rng) -> Outcome {
        self.keep_copy();
        let millis = std::time::Duration::from_millis(rng.u64(1..3000));
        let ttl = match (ttl, rng.bool()) {
            (false, _) => Ttl::None,
            (true, false) => Ttl::Absolute(TtlMillis::new(millis).unwrap()),
            (true, true) => Ttl::Sliding(TtlMillis::new(millis).unwrap()),
        };
        let write = Write::new(operation, ttl);
        let written = self.authority.write(self.clock(now), &write);
        self.record(now);
        self.pinned = None;
        match written {
            Ok((written, payloads)) => (written.revision, payloads),
            Err(_) => (None, Vec::new()),
        }
    }

    /// Performs a write as a Go peer does: a new hash starts at 1, and no tag marks the hash as new.
    pub(crate) fn go_write(&mut self, now: u64, operations: &Operations, rng: &mut Rng) -> Outcome {
        self.keep_copy();
        let (before, content) = self.state(now);
        let revision = before.map_or(1, |revision| revision.get() + 1);
        let Some(new) = Revision::new(revision) else { return (before, Vec::new()) };
        let (key, value) = (operations.key(rng), value(rng));
        let change = if content.contains_key(&key) && rng.u8(0..4) == 0 {
            Change::Delete { key: &key }
        } else if rng.u8(0..10) == 0 {
            Change::Reset
        } else {
            Change::Set { key: &key, value: &value }
        };
        self.edit(now, revision, change);
        self.record(now);
        (Some(new), vec![Notification::new(new, change).encode()])
    }

    /// Changes the hash without a script.
    fn edit(&mut self, now: u64, revision: u64, change: Change<'_>) {
        self.authority.advance(self.clock(now));
        let kind: &[u8] = match change {
            Change::Set { key, value } => {
                self.authority.hset(key, value);
                b"set"
            }
            Change::Delete { key } => {
                self.authority.hdel(key);
                b"del"
            }
            Change::Reset | Change::Destroy => {
                self.authority.delete_hash();
                b"reset"
            }
        };
        self.authority.hset(REVISION_FIELD, revision.to_string().as_bytes());
        self.authority.hset(KIND_FIELD, kind);
    }

    /// Writes a field without a notification. `any` also allows a write that keeps the number of fields, so that no
    /// probe finds it.
    pub(crate) fn write_behind(&mut self, now: u64, any: bool, rng: &mut Rng) {
        let (_, content) = self.state(now);
        let behind = format!("behind{}", rng.u8(0..3));
        match content.keys().nth(rng.usize(0..=content.len())).filter(|_| any) {
            Some(key) if rng.bool() => self.authority.hset(key, value(rng)),
            Some(key) => {
                self.authority.hdel(key);
                self.authority.hset(if rng.bool() { &behind } else { "=unknown" }, value(rng));
            }
            None if rng.bool() => self.authority.hset(&behind, b"x"),
            None => self.authority.hset(b"=unknown", b"x"),
        }
        self.record(now);
    }

    /// DEL or FLUSHALL. With `close` the next life begins right after the last revision of this life, as happens after
    /// more than one write a millisecond.
    pub(crate) fn wipe(&mut self, now: u64, close: bool) {
        let last = self.state(now).0.filter(|last| close && last.is_unique());
        self.pinned = last.map(|last| last.get() + 1);
        self.authority.delete_hash();
        self.record(now);
    }

    pub(crate) fn set_clock_back(&mut self, millis: u64) {
        self.set_back += millis;
    }

    /// Makes an older copy take over at another server. Returns the number of revisions that the copy lacks.
    pub(crate) fn fail_over(&mut self, now: u64, rng: &mut Rng) -> u64 {
        self.generation += 1;
        let lacks = self.fall_back(now, rng);
        // The other server has either followed this one, or only has a copy of its files.
        match rng.bool() && !self.settings.info_denied {
            true => self.authority.promote(self.generation.to_string().into()),
            false => self.name_itself(),
        }
        lacks
    }

    /// Restores an older copy of the hash. Returns the number of revisions that the copy lacks.
    pub(crate) fn restore(&mut self, now: u64, rng: &mut Rng) -> u64 {
        let offset = self.authority.replication().map_or(0, |replication| replication.offset);
        let lacks = self.fall_back(now, rng);
        // It is one more command to the same server.
        let replication = (!self.settings.info_denied)
            .then(|| Replication::new(self.generation.to_string().into(), offset + 1));
        self.authority.set_replication(replication);
        lacks
    }

    fn fall_back(&mut self, now: u64, rng: &mut Rng) -> u64 {
        let before = self.state(now).0.map_or(0, Revision::get);
        if !self.copies.is_empty() {
            let copy = rng.usize(0..self.copies.len());
            self.authority = self.copies[copy].clone();
            self.copies.truncate(copy);
        }
        self.record(now);
        before.saturating_sub(self.state(now).0.map_or(before, Revision::get))
    }

    /// Forges notifications: one near the current revision, sometimes one that replaces the whole content, or a life
    /// that ends at the current revision with the map's number of keys, so that no probe finds it.
    pub(crate) fn forge(&mut self, now: u64, operations: &Operations, rng: &mut Rng) -> Vec<Vec<u8>> {
        let (revision, content) = self.state(now);
        let present = revision.map_or(0, Revision::get);
        let keys = content.len() as u64;
        if rng.u8(0..3) > 0 || keys == 0 || present < keys {
            return vec![Self::forge_one(present, operations, rng)];
        }
        let batch = rng.bool();
        let life = content.keys().zip(1..).map(|(key, number)| {
            let remaining = if batch { u32::try_from(keys - number).unwrap() } else { 0 };
            let revision = Revision::new(present - keys + number).unwrap();
            let change = Change::Set { key, value: b"evil" };
            Notification::new(revision, change).born(number == 1).remaining(remaining).encode()
        });
        life.collect()
    }

    fn forge_one(present: u64, operations: &Operations, rng: &mut Rng) -> Vec<u8> {
        let revision = (present + rng.u64(0..5)).saturating_sub(2);
        let (key, value) = (operations.key(rng), b"evil");
        let change =
            if rng.u8(0..4) == 0 { Change::Delete { key: &key } } else { Change::Set { key: &key, value } };
        let born = rng.u8(0..4) == 0;
        let remaining = if rng.u8(0..4) == 0 { rng.u32(1..4) } else { 0 };
        Notification::new(Revision::new(revision).unwrap(), change).born(born).remaining(remaining).encode()
    }

    fn keep_copy(&mut self) {
        self.copies.push_back(self.authority.clone());
        if self.copies.len() > COPIES {
            self.copies.pop_front();
        }
    }

    /// Removes the time to live.
    pub(crate) fn persist(&mut self, now: u64) {
        self.authority.advance(self.clock(now));
        self.authority.persist();
    }

    pub(crate) fn read(&mut self, now: u64, read: &Read) -> ReadReply {
        let clock = self.clock(now);
        self.authority.read(clock, read).expect("the hash is sound")
    }
}
