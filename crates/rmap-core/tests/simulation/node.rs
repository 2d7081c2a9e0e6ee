//! One replica with its driver, its link, and everything that its invariants are checked against.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use rmap_core::{
    Config, EventKind, Failure, Nonce, Output, Phase, Reader, Replica, Request, RequestId, Target, Wait,
};
use rmap_proto::{Mark, Read, ReadReply, Revision};

use crate::authority::{Server, State};
use crate::link::{Link, Message};
use crate::scenario::Scenario;
use crate::world::Tally;

/// Something that happens to a node at a time to come.
#[derive(Debug)]
enum Event {
    Connected,
    /// The server has taken the subscription.
    Subscribed(Nonce),
    /// The driver hears that the subscription was sent.
    SubscribeSent(Nonce),
    Execute(RequestId, Request),
    Reply(RequestId, ReadReply),
    Fail(RequestId),
}

/// Somebody who waits at this node, and the number of the state that must be shown when the wait is over.
#[derive(Debug)]
#[expect(dead_code, reason = "`began` is printed")]
struct Waiter {
    target: Target,
    state: usize,
    began: u64,
}

pub(crate) struct Node {
    /// The faults of the whole history: what they leave behind may come after they have ended, and decides what must hold.
    history: Scenario,
    replica: Replica,
    reader: Reader,
    link: Link,
    nonce: Option<Nonce>,
    connection: u64,
    connected: bool,
    events: Vec<(u64, Event)>,
    waiters: Vec<Waiter>,
    /// The changes folded over the empty content.
    folded: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The strongest event since all changes were told, and the content then.
    told: Option<EventKind>,
    settled: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The last state shown, as a number and as such.
    shown: usize,
    last: State,
}

impl Node {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut config = Config::default();
        if scenario.scan {
            config = config.small_map(2, 1 << 20).page_fields(1);
        }
        if seed.is_multiple_of(2) {
            config = config.compared(1);
        }
        let mut replica = Replica::new(config, seed);
        replica.observe_changes(true);
        let reader = replica.reader();
        Self {
            history: *scenario,
            replica,
            reader,
            link: Link::default(),
            nonce: None,
            connection: 0,
            connected: false,
            events: vec![(0, Event::Connected)],
            waiters: Vec::new(),
            folded: BTreeMap::new(),
            told: None,
            settled: BTreeMap::new(),
            shown: 0,
            last: (None, BTreeMap::new()),
        }
    }

    /// When something is due next.
    pub(crate) fn next_event(&self) -> Option<u64> {
        let timeout =
            self.replica.poll_timeout().map(|at| u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap());
        self.events.iter().map(|(at, _)| *at).chain(timeout).min()
    }

    /// Does what is due.
    pub(crate) fn run(
        &mut self,
        now: u64,
        server: &mut Server,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) -> Result<(), String> {
        while let Some(due) = self.events.iter().position(|(at, _)| *at <= now) {
            let (_, event) = self.events.swap_remove(due);
            self.take(event, now, server, scenario, rng, tally);
            self.drain(now, scenario, rng, tally)?;
        }
        self.replica.handle_timeout(millis(now));
        self.drain(now, scenario, rng, tally)
    }

    fn take(
        &mut self,
        event: Event,
        now: u64,
        server: &mut Server,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) {
        match event {
            Event::Connected => {
                self.connection += 1;
                self.connected = true;
                self.replica.handle_connected(millis(now), self.connection);
            }
            Event::Subscribed(nonce) => {
                self.link.subscribed = true;
                self.nonce = Some(nonce);
            }
            Event::SubscribeSent(nonce) => self.replica.handle_subscribed(millis(now), &nonce),
            Event::Execute(id, request) => self.execute(id, request, now, server, scenario, rng, tally),
            Event::Reply(id, reply) => {
                self.replica.handle_reply(millis(now), id, Ok(reply));
                // A message may come before a driver has taken the outputs.
                if rng.bool() {
                    self.receive_one(now);
                }
            }
            Event::Fail(id) => {
                self.replica.handle_reply(millis(now), id, Err(Failure::Unavailable("simulated".to_owned())));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the whole world of one request")]
    fn execute(
        &mut self,
        id: RequestId,
        request: Request,
        now: u64,
        server: &mut Server,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) {
        let mark = Mark { channel: "private".into(), id: id.get() };
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Page { cursor, count } => Read::Page { cursor, count },
            Request::Probe => Read::Probe { mark },
        };
        let reply = server.read(now, &read);
        server.record(now);
        if !matches!(read, Read::Page { .. }) {
            let payload = id.get().to_string().into_bytes();
            self.link.deliver(Message::Mark(payload), scenario, rng, tally);
        }
        if rng.u64(0..1000) < scenario.lost_reply {
            tally.count("reply lost");
            return;
        }
        let at = now + rng.u64(0..=scenario.delay);
        self.events.push((at, Event::Reply(id, reply)));
    }

    /// Carries out what the replica asks for, and holds what it tells against the invariants.
    fn drain(
        &mut self,
        now: u64,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) -> Result<(), String> {
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => {
                    let at = now + rng.u64(0..=scenario.delay);
                    self.events.push((at, Event::SubscribeSent(nonce.clone())));
                    // The frame may be written later than its success was reported.
                    self.events.push((at + rng.u64(0..=scenario.delay / 4), Event::Subscribed(nonce)));
                }
                Output::Request { id, request } => {
                    let at = now + rng.u64(0..=scenario.delay);
                    let fails = rng.u64(0..2000) < scenario.lost_reply;
                    let event = if fails { Event::Fail(id) } else { Event::Execute(id, request) };
                    self.events.push((at, event));
                }
                Output::ReplaceConnections { connection }
                    if connection == self.connection && self.connected =>
                {
                    tally.count("connections replaced");
                    self.cut(now, rng);
                }
                Output::Changed(kind) => self.told = self.told.max(Some(kind)),
                Output::ReplaceConnections { .. } | Output::StatusChanged => {}
            }
        }
        self.check_events(tally)
    }

    /// Invariant 4: events cover changes, and the changes folded give the content.
    fn check_events(&mut self, tally: &mut Tally) -> Result<(), String> {
        let now = self.state();
        while let Some(change) = self.replica.poll_change() {
            let key = change.key.as_bytes().to_vec();
            let old = change.old.map(|value| value.as_bytes().to_vec());
            if self.folded.get(&key) != old.as_ref() {
                return Err(format!(
                    "a change of {key:?} tells {old:?} where {:?} was",
                    self.folded.get(&key)
                ));
            }
            match change.new {
                Some(new) => self.folded.insert(key, new.as_bytes().to_vec()),
                None => self.folded.remove(&key),
            };
        }
        if self.replica.is_comparing() {
            tally.count("looks at a replica that compares");
        } else {
            if self.folded != now.1 {
                return Err(format!("the changes give {:?}, the content is {:?}", self.folded, now.1));
            }
            if self.settled != now.1 && self.told.is_none() {
                return Err("the content changed without an event".to_owned());
            }
            self.told = None;
            self.settled.clone_from(&now.1);
        }
        if self.history.revisions_are_unique() {
            self.check_order(&now)?;
        }
        self.last = now;
        Ok(())
    }

    /// Invariant 2, as far as it shows between two inputs: one content per revision.
    fn check_order(&self, now: &State) -> Result<(), String> {
        if now.0.is_some() && now.0 == self.last.0 && now.1 != self.last.1 {
            return Err(format!(
                "revision {:?} changed its content from {:?} to {:?}",
                now.0, self.last.1, now.1
            ));
        }
        Ok(())
    }

    fn state(&self) -> State {
        let view = self.reader.view();
        let content = view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
        (view.revision(), content.collect())
    }

    /// Delivers up to `most` messages.
    pub(crate) fn receive(
        &mut self,
        most: usize,
        now: u64,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) -> Result<(), String> {
        for _ in 0..most {
            if !self.receive_one(now) {
                break;
            }
            self.drain(now, scenario, rng, tally)?;
        }
        Ok(())
    }

    fn receive_one(&mut self, now: u64) -> bool {
        let Some(message) = self.link.take() else { return false };
        match message {
            Message::Notification(payload) => {
                self.replica.handle_notification(millis(now), &payload);
            }
            Message::Mark(payload) => self.replica.handle_mark(millis(now), &payload),
            Message::Lagged => self.replica.handle_lagged(millis(now)),
        }
        true
    }

    pub(crate) fn deliver(&mut self, payload: &[u8], scenario: &Scenario, rng: &mut Rng, tally: &mut Tally) {
        self.link.deliver(Message::Notification(payload.to_vec()), scenario, rng, tally);
    }

    /// The connection is gone; another comes after a while.
    pub(crate) fn cut(&mut self, now: u64, rng: &mut Rng) {
        if self.connected {
            self.connected = false;
            self.link.cut();
            self.events.clear();
            self.events.push((now + rng.u64(0..1000), Event::Connected));
            self.replica.handle_disconnected(millis(now), "simulated");
        }
    }

    pub(crate) fn sync(&mut self, now: u64, server: &Server) {
        let target = self.reader.progress().fresh_target();
        self.waiters.push(Waiter { target, state: server.current(), began: now });
        self.replica.handle_sync(millis(now));
    }

    pub(crate) fn wait_for(&mut self, now: u64, revision: Revision, server: &Server) {
        let target = self.reader.progress().target(Some(revision));
        self.waiters.push(Waiter { target, state: server.current(), began: now });
    }

    /// Invariants 1 and 5, and that the status does not lie about freshness.
    pub(crate) fn check(&mut self, server: &Server) -> Result<(), String> {
        if self.history.shows_only_states() {
            self.check_prefix(server)?;
        }
        let progress = self.reader.progress();
        let (ended, waiting) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition::<Vec<_>, _>(|waiter| progress.check(&waiter.target) != Wait::Pending);
        self.waiters = waiting;
        for waiter in ended {
            match progress.check(&waiter.target) {
                Wait::Reached if self.history.revisions_are_unique() => {
                    self.check_shows(server, waiter.state, "a wait ended")?;
                }
                Wait::HistoryBroken if self.history.has_one_history() => {
                    return Err("a wait ended as broken, and the history never was".to_owned());
                }
                Wait::Pending | Wait::Reached | Wait::HistoryBroken | Wait::Closed | _ => {}
            }
        }
        match self.replica.status().fresh_at {
            Some(at) if self.history.revisions_are_unique() && self.history.shows_only_states() => {
                let at = u64::try_from(at.as_millis()).unwrap();
                self.check_shows(server, server.state_at(at.saturating_sub(1)), "the status says fresh")
            }
            _ => Ok(()),
        }
    }

    fn check_prefix(&mut self, server: &Server) -> Result<(), String> {
        self.check_shows(server, self.shown, "it shows")
    }

    /// What is shown must be the state with this number or a later one.
    fn check_shows(&mut self, server: &Server, least: usize, what: &str) -> Result<(), String> {
        let least = least.max(self.shown);
        match server.states()[least..].iter().position(|(_, state)| *state == self.last) {
            Some(ahead) => {
                self.shown = least + ahead;
                Ok(())
            }
            None => Err(format!(
                "{what} {:?}, which is no state from {least} on: {:?}",
                self.last,
                &server.states()[least..]
            )),
        }
    }

    /// Everything is in step again, and nobody waits any more.
    pub(crate) fn check_settled(&self, now: u64, server: &Server) -> Result<(), String> {
        let (_, state) = &server.states()[server.current()];
        if self.last != *state {
            return Err(format!("shows {:?} instead of {state:?}: {:?}", self.last, self.replica.status()));
        }
        if self.replica.status().phase != Phase::Live || self.replica.is_comparing() {
            return Err(format!("not live at {now}: {:?}", self.replica.status()));
        }
        match self.waiters.first() {
            Some(waiter) => Err(format!("{waiter:?} still waits at {now}: {:?}", self.reader.progress())),
            None => Ok(()),
        }
    }

    pub(crate) fn backlog(&self) -> bool {
        !self.link.is_empty()
    }
}

const fn millis(now: u64) -> Duration {
    Duration::from_millis(now)
}
