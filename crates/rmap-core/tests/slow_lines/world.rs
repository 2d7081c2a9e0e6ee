//! Replicas of one map behind one line of limited rate, in virtual time.

use std::collections::VecDeque;
use std::time::Duration;

use rmap_core::{
    Failure, Nonce, Output, Phase, Pings, Received, Replica, ReplicaSettings, Request, RequestId,
};
use rmap_model::Authority;
use rmap_proto::{Key, KeyOperation, Mark, Operation, Read, ReadReply, Ttl, Write};

/// Interval at which the line is simulated.
const TICK: Duration = Duration::from_millis(10);

/// Bytes that one connection carries before the next one has its turn.
const PIECE: u64 = 1_000;

/// Bytes that a frame takes beside its payload.
const FRAME: u64 = 40;

const CLOCK: u64 = 1_790_000_000_000;

/// A transport's knowledge of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Nothing,
    /// Whole replies and the subscriber connection, as fred shows them.
    Replies,
    /// The same, for a user who may not PING.
    RepliesWithoutPing,
    /// Every byte.
    Bytes,
}

/// A frame in flight to a process.
struct Frame {
    left: u64,
    what: What,
}

enum What {
    Reply(usize, RequestId, ReadReply),
    Mark(usize, RequestId),
    Notification(Vec<u8>),
    Pong,
    Subscribed(usize, Nonce),
}

/// One client with a pair of connections and a replica for each of its maps.
pub(crate) struct Process {
    sight: Sight,
    pub(crate) replicas: Vec<Replica>,
    commands: VecDeque<Frame>,
    subscriber: VecDeque<Frame>,
    /// The subscribed replicas.
    subscribed: Vec<bool>,
    received: Received,
    pinged_at: Duration,
    heard_at: Duration,
    connects_at: Option<Duration>,
    /// True if replies are written and never arrive.
    pub(crate) deaf: bool,
    /// True if marks are published where this process does not listen.
    pub(crate) marks_lost: bool,
    /// Number of requested subscriptions.
    pub(crate) subscriptions: usize,
    /// The requests so far.
    pub(crate) requests: Vec<Request>,
    /// Times at which a replica requested to replace the pair.
    pub(crate) replaced: Vec<Duration>,
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) authority: Authority,
    pub(crate) processes: Vec<Process>,
    /// Bytes a second.
    pub(crate) rate: u64,
    /// Bytes that crossed the line to the processes.
    pub(crate) crossed: u64,
    turn: usize,
}

impl Process {
    fn new(sight: Sight, maps: usize, settings: &ReplicaSettings, seed: u64) -> Self {
        let replicas = (0..maps as u64).map(|map| Replica::new(settings.clone(), 100 * seed + map)).collect();
        Self {
            sight,
            replicas,
            commands: VecDeque::new(),
            subscriber: VecDeque::new(),
            subscribed: vec![false; maps],
            received: Received { pings: None, ..Received::default() },
            pinged_at: Duration::ZERO,
            heard_at: Duration::ZERO,
            connects_at: Some(Duration::ZERO),
            deaf: false,
            marks_lost: false,
            subscriptions: 0,
            requests: Vec::new(),
            replaced: Vec::new(),
        }
    }

    fn connect(&mut self, now: Duration) {
        self.connects_at = None;
        let pings = matches!(self.sight, Sight::Replies | Sight::Bytes).then(Pings::default);
        let connection = self.received.connection + 1;
        self.received = Received { connection, pings, ..Received::default() };
        (self.pinged_at, self.heard_at) = (now, now);
        for replica in &mut self.replicas {
            replica.handle_connected(now, connection);
        }
    }

    /// Joins one more map on the existing connections.
    pub(crate) fn join(&mut self, now: Duration) {
        let mut replica = Replica::new(ReplicaSettings::default(), 7);
        replica.handle_connected(now, self.received.connection);
        self.replicas.push(replica);
        self.subscribed.push(false);
    }

    fn cut(&mut self, now: Duration) {
        self.commands.clear();
        self.subscriber.clear();
        self.subscribed.fill(false);
        self.connects_at = Some(now + 5 * TICK);
        for replica in &mut self.replicas {
            replica.handle_disconnected(now, "cut");
        }
    }

    /// Sends a PING each second, and ends a connection whose PINGs are not answered.
    fn ping(&mut self, now: Duration) {
        let Some(pings) = &mut self.received.pings else { return };
        if pings.sent > pings.answered && now >= self.heard_at + 3 * Duration::from_secs(1) {
            self.cut(now);
        } else if pings.sent == pings.answered && now >= self.pinged_at + Duration::from_secs(1) {
            pings.sent += 1;
            self.pinged_at = now;
            self.subscriber.push_back(Frame { left: FRAME, what: What::Pong });
        }
    }

    fn arrive(&mut self, now: Duration, what: What) {
        match what {
            What::Reply(map, id, reply) => {
                if self.sight != Sight::Bytes {
                    self.received.commands += 1;
                }
                self.hear(map);
                self.replicas[map].handle_reply(now, id, Ok(reply));
            }
            What::Mark(map, id) => self.replicas[map].handle_mark(now, id.get().to_string().as_bytes()),
            What::Notification(payload) => {
                for (replica, _) in
                    self.replicas.iter_mut().zip(&self.subscribed).filter(|(_, listens)| **listens)
                {
                    replica.handle_notification(now, &payload);
                }
            }
            What::Pong => {
                if let Some(pings) = &mut self.received.pings {
                    pings.answered += 1;
                }
            }
            What::Subscribed(map, nonce) => self.replicas[map].handle_subscribed(now, &nonce),
        }
    }

    /// Reports counts as a driver does: before a reply, after a request, before a timeout.
    fn hear(&mut self, map: usize) {
        if self.sight != Sight::Nothing {
            self.replicas[map].handle_received(self.received);
        }
    }

    fn drain(&mut self, now: Duration, authority: &mut Authority) {
        for map in 0..self.replicas.len() {
            while let Some(output) = self.replicas[map].poll_output() {
                match output {
                    Output::Subscribe { nonce } => {
                        self.subscriptions += 1;
                        self.subscribed[map] = true;
                        self.subscriber.push_back(Frame { left: FRAME, what: What::Subscribed(map, nonce) });
                        self.hear(map);
                    }
                    Output::Request { id, request } => {
                        self.request(now, map, id, request, authority);
                        self.hear(map);
                    }
                    Output::ReplaceConnections { connection } if connection == self.received.connection => {
                        self.replaced.push(now);
                        self.cut(now);
                    }
                    Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
                }
            }
        }
    }

    fn request(
        &mut self,
        now: Duration,
        map: usize,
        id: RequestId,
        request: Request,
        authority: &mut Authority,
    ) {
        self.requests.push(request);
        let mark = Mark::new("private".into(), id.get());
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Page { cursor, count } => Read::Page { cursor, count },
            Request::Probe => Read::Probe { mark },
        };
        if self.connects_at.is_some() {
            self.replicas[map].handle_reply(now, id, Err(Failure::Unavailable("not connected".to_owned())));
            return;
        }
        let reply = authority.read(CLOCK, &read).unwrap();
        if !matches!(read, Read::Page { .. }) && !self.marks_lost {
            self.subscriber.push_back(Frame { left: FRAME, what: What::Mark(map, id) });
        }
        if !self.deaf {
            self.commands.push_back(Frame { left: weight(&reply), what: What::Reply(map, id, reply) });
        }
    }
}

fn weight(reply: &ReadReply) -> u64 {
    let entries = if let ReadReply::Page(page) = reply {
        Some(&page.entries)
    } else if let ReadReply::Snapshot(snapshot) = reply {
        snapshot.content.as_ref()
    } else {
        None
    };
    let bytes = |entries: &rmap_proto::Entries| {
        entries.content.iter().map(|(key, value)| (key.len() + value.len()) as u64 + 10).sum()
    };
    FRAME + entries.map_or(0, bytes)
}

impl World {
    pub(crate) fn new(rate: u64, entries: &[(usize, usize)]) -> Self {
        let mut authority = Authority::new();
        authority.set_replication_id(Some("server".into()));
        let mut world = Self { now: TICK, authority, processes: Vec::new(), rate, crossed: 0, turn: 0 };
        for (count, bytes) in entries {
            for number in 0..*count {
                world.set(&format!("{bytes}/{number}"), *bytes);
            }
        }
        world
    }

    pub(crate) fn add(&mut self, sight: Sight, maps: usize, settings: &ReplicaSettings) {
        let seed = self.processes.len() as u64;
        self.processes.push(Process::new(sight, maps, settings, seed));
    }

    /// Bytes of all entries.
    pub(crate) fn bytes(&self) -> u64 {
        self.authority.fields().iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }

    pub(crate) fn set(&mut self, key: &str, bytes: usize) {
        let operation = Operation::Key(KeyOperation::Set {
            key: Key::new(key).unwrap(),
            value: vec![b'x'; bytes].into(),
        });
        let (_, payloads) = self.authority.write(CLOCK, &Write::new(operation, Ttl::None)).unwrap();
        for process in &mut self.processes {
            if process.subscribed.contains(&true) {
                for payload in &payloads {
                    let left = FRAME + payload.len() as u64;
                    process.subscriber.push_back(Frame { left, what: What::Notification(payload.clone()) });
                }
            }
        }
    }

    pub(crate) fn cut(&mut self) {
        for process in &mut self.processes {
            process.cut(self.now);
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        let fields = self.authority.fields();
        let replicas = self.processes.iter().flat_map(|process| &process.replicas);
        replicas.into_iter().all(|replica| {
            let view = replica.reader().view();
            let content = fields.iter().filter(|(key, _)| !rmap_proto::is_reserved(key));
            replica.status().phase == Phase::Live
                && view.len() + 2 == fields.len()
                && content
                    .into_iter()
                    .all(|(key, value)| view.get(key).is_some_and(|shown| shown == &value[..]))
        })
    }

    /// Lets time pass until something holds. Returns the time that it took.
    pub(crate) fn until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Duration {
        let begin = self.now;
        while !holds(self) {
            assert!(self.now - begin < limit, "not within {limit:?}: {:?}", self.statuses());
            self.tick();
        }
        self.now - begin
    }

    /// Waits until every replica is live with the authority's content.
    pub(crate) fn settle(&mut self, limit: Duration) -> Duration {
        // Comparing contents is slow, so it waits until all are live.
        let live = |world: &Self| {
            let mut replicas = world.processes.iter().flat_map(|process| &process.replicas);
            replicas.all(|replica| replica.status().phase == Phase::Live)
        };
        self.until(limit, |world| live(world) && world.is_right())
    }

    fn statuses(&self) -> Vec<&rmap_core::ReplicaStatus> {
        self.processes.iter().flat_map(|process| &process.replicas).map(Replica::status).collect()
    }

    pub(crate) fn tick(&mut self) {
        self.now += TICK;
        self.carry();
        for process in &mut self.processes {
            if process.connects_at.is_some_and(|at| at <= self.now) {
                process.connect(self.now);
            }
            if process.connects_at.is_none() {
                process.ping(self.now);
            }
            process.drain(self.now, &mut self.authority);
            for map in 0..process.replicas.len() {
                if process.replicas[map].poll_timeout().is_some_and(|at| at <= self.now) {
                    process.hear(map);
                    process.replicas[map].handle_timeout(self.now);
                }
                while process.replicas[map].do_work(usize::MAX) {}
            }
            process.drain(self.now, &mut self.authority);
        }
    }

    /// Gives the connections their turns, a piece each, until the line is busy.
    fn carry(&mut self) {
        let mut budget = self.rate * u64::try_from(TICK.as_millis()).unwrap() / 1000;
        let mut idle = 0;
        while budget > 0 && idle < 2 * self.processes.len() {
            self.turn = (self.turn + 1) % (2 * self.processes.len());
            let moved = self.carry_piece(budget);
            self.crossed += moved;
            budget -= moved;
            idle = if moved == 0 { idle + 1 } else { 0 };
        }
    }

    fn carry_piece(&mut self, most: u64) -> u64 {
        let process = &mut self.processes[self.turn / 2];
        let commands = self.turn.is_multiple_of(2);
        let queue = if commands { &mut process.commands } else { &mut process.subscriber };
        let Some(frame) = queue.front_mut() else { return 0 };
        let moved = frame.left.min(PIECE).min(most);
        frame.left -= moved;
        let whole = frame.left == 0;
        if !commands {
            process.received.subscriber += moved;
            process.heard_at = self.now;
        } else if process.sight == Sight::Bytes {
            process.received.commands += moved;
        }
        let queue = if commands { &mut process.commands } else { &mut process.subscriber };
        if whole && let Some(frame) = queue.pop_front() {
            process.arrive(self.now, frame.what);
        }
        moved
    }
}
