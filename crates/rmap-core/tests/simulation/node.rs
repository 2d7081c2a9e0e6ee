//! One replica with its driver and its link.

use std::time::Duration;

use fastrand::Rng;
use rmap_core::{Failure, Nonce, Output, Phase, Progress, Replica, Request, RequestId};
use rmap_proto::{Mark, Read, ReadReply, Revision};

use crate::fault::Chance;
use crate::link::{Link, Message};
use crate::meter::Meter;
use crate::plan::{Luck, Plan};
use crate::server::Server;
use crate::store::{Stored, process};
use crate::tally;
use crate::watch::Watch;

/// A future event of a node.
#[derive(Debug)]
pub(crate) enum Event {
    Connected,
    /// The server processed the subscription.
    Subscribed(Nonce),
    /// The driver learns that the subscription was sent.
    SubscribeSent(Nonce),
    SubscribeFailed(Nonce),
    Execute(RequestId, Request),
    Reply(RequestId, ReadReply),
    Fail(RequestId, Failure),
    /// A write of this process is answered.
    WriteReply(WriteReply),
    Noise,
}

/// A write of this process.
#[derive(Debug)]
pub(crate) struct WriteReply {
    pub(crate) revision: Revision,
    /// The progress before the write was sent.
    pub(crate) before: Progress,
    /// The number of the state that the write made.
    pub(crate) state: usize,
}

impl Event {
    /// True for events that happen even while the process is stopped.
    const fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Subscribed(_) | Self::Execute(..) | Self::Noise)
    }
}

/// Time within which everything in flight at the end of the faults arrives, in milliseconds.
const SOON: u64 = 1000;

pub(crate) struct Node {
    pub(crate) replica: Replica,
    pub(crate) watch: Watch,
    link: Link,
    nonce: Option<Nonce>,
    connection: u64,
    pub(crate) connected: bool,
    pub(crate) events: Vec<(u64, Event)>,
    /// Time until which the process is stopped.
    stopped_until: u64,
    /// Time at which the line has carried all replies so far.
    line_free: u64,
    meter: Meter,
    pub(crate) stored: Option<Stored>,
}

impl Node {
    pub(crate) fn new(plan: &Plan, number: u64, seed: u64) -> Self {
        let (replica, watch) = process(plan, number, seed ^ number << 32);
        Self {
            watch,
            replica,
            link: Link::default(),
            nonce: None,
            connection: 0,
            connected: false,
            events: vec![(0, Event::Connected)],
            stopped_until: 0,
            line_free: 0,
            meter: Meter::new(plan.settings.counts),
            stored: None,
        }
    }

    /// The time of the next due event.
    pub(crate) fn next_event(&self) -> Option<u64> {
        let work = self.replica.has_work().then_some(Duration::ZERO);
        let timeout = work
            .or_else(|| self.replica.poll_timeout())
            .map(|at| u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap());
        let here = |at: u64| at.max(self.stopped_until);
        let events = self.events.iter().map(|(at, event)| if event.is_elsewhere() { *at } else { here(*at) });
        events.chain(timeout.map(here)).min()
    }

    /// Performs due events, takes up to `most` messages, and checks every invariant.
    pub(crate) fn turn(
        &mut self,
        most: usize,
        now: u64,
        server: &mut Server,
        luck: &mut Luck,
    ) -> Result<(), String> {
        let awake = self.is_awake(now);
        while let Some(due) =
            self.events.iter().position(|(at, event)| *at <= now && (awake || event.is_elsewhere()))
        {
            let (_, event) = self.events.swap_remove(due);
            self.take(event, now, server, luck);
            self.drain(now, luck)?;
        }
        if !awake {
            return Ok(());
        }
        if self.connected && self.meter.pings(now) {
            self.link.answer_ping();
        }
        if let Some(received) = self.meter.read() {
            self.replica.handle_received(received);
        }
        self.replica.handle_timeout(millis(now));
        self.replica.do_work(self.replica.work_budget());
        self.drain(now, luck)?;
        for _ in 0..most {
            if !self.receive_one(now, luck) {
                break;
            }
            self.drain(now, luck)?;
        }
        self.watch.check(&self.replica, server, luck)
    }

    fn take(&mut self, event: Event, now: u64, server: &mut Server, luck: &mut Luck) {
        match event {
            Event::Connected => {
                self.connection += 1;
                self.connected = true;
                self.meter.connected(now, self.connection);
                self.replica.handle_connected(millis(now), self.connection);
            }
            Event::Subscribed(nonce) => {
                self.link.subscribed = true;
                self.nonce = Some(nonce);
            }
            Event::SubscribeSent(nonce) => self.replica.handle_subscribed(millis(now), &nonce),
            Event::SubscribeFailed(nonce) => {
                let failure = Failure::Refused("simulated".to_owned());
                self.replica.handle_subscribe_failed(millis(now), &nonce, failure);
            }
            Event::Execute(id, request) => self.execute(id, request, now, server, luck),
            Event::Reply(id, reply) => {
                self.meter.reply();
                self.replica.handle_reply(millis(now), id, Ok(reply));
                // A message may arrive before the driver has taken the outputs.
                if luck.rng.bool() {
                    self.receive_one(now, luck);
                }
            }
            Event::Fail(id, failure) => self.replica.handle_reply(millis(now), id, Err(failure)),
            Event::WriteReply(written) => {
                let target = self.watch.wait_for_own(now, &written);
                self.replica.handle_wait(millis(now), &target);
            }
            Event::Noise => self.link.disturb(),
        }
    }

    /// Has a replica that keeps its content follow the server, which has no hash.
    pub(crate) fn follow(&mut self, now: u64, server: &Server) -> Result<(), String> {
        if self.replica.status().phase == Phase::Kept {
            let (_, (revision, _)) = &server.states()[server.current()];
            if let Some(revision) = revision {
                return Err(format!("kept at {now} although there is a hash at {revision}"));
            }
            self.replica.handle_follow(millis(now));
        }
        Ok(())
    }

    fn execute(&mut self, id: RequestId, request: Request, now: u64, server: &mut Server, luck: &mut Luck) {
        let mark = Mark::new("private".into(), id.get());
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Page { cursor, count } => Read::Page { cursor, count },
            Request::Probe => Read::Probe { mark },
        };
        let reply = server.read(now, &read);
        server.record(now);
        if !matches!(read, Read::Page { .. }) {
            let payload = id.get().to_string().into_bytes();
            self.link.deliver(Message::Mark(payload), luck);
        }
        if !luck.strikes(Chance::LostReply) {
            let travel = weight(&reply) * luck.plan.slowness / 100;
            let at = self.line_free.max(now + luck.delay()) + travel;
            self.line_free = at;
            self.events.push((at, Event::Reply(id, reply)));
        }
    }

    /// Carries out the replica's outputs and checks events and changes.
    fn drain(&mut self, now: u64, luck: &mut Luck) -> Result<(), String> {
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => self.subscribe(nonce, now, luck),
                Output::Request { id, request } => self.request(id, request, now, luck)?,
                Output::ReplaceConnections { connection } => {
                    if connection == self.connection && self.connected {
                        luck.tally.count("asked", "new connections");
                        self.cut(now, &mut luck.rng);
                    }
                }
                Output::Changed(kind) => self.watch.emitted(kind, luck),
                Output::StatusChanged => self.watch.status_changed(self.replica.status(), luck),
            }
        }
        self.watch.check_verified(&mut self.replica, luck)?;
        self.watch.check_events(&mut self.replica, luck)
    }

    fn subscribe(&mut self, nonce: Nonce, now: u64, luck: &mut Luck) {
        let at = now + luck.delay();
        if luck.strikes(Chance::FailedSubscription) {
            self.events.push((at, Event::SubscribeFailed(nonce)));
        } else if !luck.strikes(Chance::LostSubscription) {
            self.events.push((at, Event::SubscribeSent(nonce.clone())));
            // The server may receive the frame later than the driver learns of its success.
            self.events.push((at + luck.delay() / 4, Event::Subscribed(nonce)));
        }
    }

    fn request(&mut self, id: RequestId, request: Request, now: u64, luck: &mut Luck) -> Result<(), String> {
        luck.tally.count("asked", tally::request(request));
        if matches!(request, Request::Snapshot { .. }) {
            self.watch.asked_snapshot(now)?;
        }
        let at = now + luck.delay();
        let event = if luck.strikes(Chance::Unavailable) {
            Event::Fail(id, Failure::Unavailable("simulated".to_owned()))
        } else if luck.strikes(Chance::Refused) {
            Event::Fail(id, Failure::Refused("simulated".to_owned()))
        } else {
            Event::Execute(id, request)
        };
        self.events.push((at, event));
        Ok(())
    }

    fn receive_one(&mut self, now: u64, luck: &mut Luck) -> bool {
        let Some(message) = self.link.take() else { return false };
        if !matches!(message, Message::Pong) {
            self.meter.message();
        }
        match message {
            Message::Notification(payload) => {
                let disposition = self.replica.handle_notification(millis(now), &payload);
                luck.tally.count("notification", tally::disposition(disposition));
            }
            Message::Mark(payload) => self.replica.handle_mark(millis(now), &payload),
            Message::Pong => self.meter.pong(),
            Message::Lagged => self.replica.handle_lagged(millis(now)),
        }
        true
    }

    pub(crate) fn deliver(&mut self, payload: &[u8], luck: &mut Luck) {
        self.link.deliver(Message::Notification(payload.to_vec()), luck);
    }

    /// Cuts the connection. Another one follows after a while.
    pub(crate) fn cut(&mut self, now: u64, rng: &mut Rng) {
        if self.connected {
            self.connected = false;
            self.link.cut();
            self.events.clear();
            self.events.push((now + rng.u64(0..1000), Event::Connected));
            self.line_free = 0;
            self.watch.disconnected();
            self.replica.handle_disconnected(millis(now), "simulated");
        }
    }

    /// Stops the process until a time. Meanwhile nothing is delivered, and afterwards the clock has jumped.
    pub(crate) const fn stop_until(&mut self, until: u64) {
        self.stopped_until = until;
    }

    pub(crate) const fn is_awake(&self, now: u64) -> bool {
        self.stopped_until <= now
    }

    /// Makes a foreign program publish on the channel repeatedly.
    pub(crate) fn disturb(&mut self, now: u64, rng: &mut Rng) {
        let pause = rng.u64(50..1500);
        self.events.extend((0..rng.u64(1..40)).map(|number| (now + number * pause, Event::Noise)));
    }

    /// Removes all pending faults.
    pub(crate) fn calm(&mut self, now: u64) {
        self.stop_until(now);
        self.events.retain(|(_, event)| !matches!(event, Event::Noise));
        self.events.iter_mut().for_each(|(at, _)| *at = (*at).min(now + SOON));
        self.line_free = now;
    }

    pub(crate) fn sync(&mut self, now: u64, server: &Server) {
        if self.is_awake(now) {
            self.watch.wait_fresh(now, server);
            self.replica.handle_sync(millis(now));
        }
    }

    /// Begins a wait for a write of another process.
    pub(crate) fn wait_for(&mut self, now: u64, revision: Revision, server: &Server) {
        if self.is_awake(now) {
            let target = self.watch.wait_for(now, revision, server);
            self.replica.handle_wait(millis(now), &target);
        }
    }

    /// The progress before a write of this process, or `None` while no write can be sent.
    pub(crate) fn before_write(&self, now: u64) -> Option<Progress> {
        (self.connected && self.is_awake(now)).then(|| self.replica.progress())
    }

    /// Records a write of this process, which begins a wait once it is answered.
    pub(crate) fn written(&mut self, now: u64, written: WriteReply, luck: &mut Luck) {
        self.events.push((now + luck.delay(), Event::WriteReply(written)));
    }

    /// Requests a verification.
    pub(crate) fn verify(&mut self, now: u64) {
        if self.is_awake(now) {
            self.watch.verify();
            self.replica.handle_verify(millis(now));
        }
    }

    /// Checks that the node is in step and that no wait is left.
    pub(crate) fn check_settled(&self, now: u64, server: &Server) -> Result<(), String> {
        self.watch.check_settled(now, &self.replica, server)
    }

    /// Closes the replica, which must request nothing more and keep its content.
    pub(crate) fn close(&mut self, now: u64, server: &Server, luck: &mut Luck) -> Result<(), String> {
        self.watch.wait_fresh(now, server);
        self.replica.close(millis(now));
        self.drain(now, luck)?;
        self.watch.check(&self.replica, server, luck)?;
        match self.replica.poll_timeout() {
            Some(at) => Err(format!("a closed replica has something due at {at:?}")),
            None if self.replica.has_work() => Err("a closed replica has work".to_owned()),
            None => Ok(()),
        }
    }

    /// Number of messages that could be taken now.
    pub(crate) fn backlog(&self, now: u64) -> usize {
        if self.is_awake(now) { self.link.len() } else { 0 }
    }
}

/// Approximate number of bytes of a reply.
fn weight(reply: &ReadReply) -> u64 {
    let content = match reply {
        ReadReply::Snapshot(snapshot) => snapshot.content.as_ref(),
        ReadReply::Page(page) => Some(&page.entries),
        ReadReply::Probe(_) => None,
        _ => None,
    };
    let content = content.into_iter().flat_map(|entries| &entries.content);
    content.map(|(key, value)| 10 + (key.len() + value.len()) as u64).sum::<u64>() + 50
}

const fn millis(now: u64) -> Duration {
    Duration::from_millis(now)
}
