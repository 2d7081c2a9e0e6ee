//! One history: the replica, its driver, its server, and the faults between them.

mod settle;

use std::collections::VecDeque;
use std::time::Duration;

use rmap_core::{Disposition, Failure, Nonce, Output, Replica, ReplicaSettings, Request, RequestId};
use rmap_proto::{Mark, Notification, Read, ReadReply, Revision};

use super::bytes::Input;
use super::link::{Link, Message};
use super::oracle::{HeldCount, Oracle};
use super::server::{self, Server};

/// Most messages and bytes that may be held. The bounds are small enough to be reached.
const HELD: (usize, usize) = (5, 150);
/// Most outputs of one input.
const OUTPUTS: usize = 16;

pub(super) struct World {
    replica: Replica,
    oracle: Oracle,
    server: Server,
    link: Link,
    now: Duration,
    connection: u64,
    nonce: Option<Nonce>,
    requests: VecDeque<(RequestId, Request)>,
    replies: VecDeque<(RequestId, ReadReply)>,
    held: HeldCount,
    /// True while nobody misbehaves.
    honest: bool,
    /// False once the replica got something that no server sent, or that it cannot detect as wrong.
    sound: bool,
    /// False once messages were reordered or history went back.
    ordered: bool,
    closed: bool,
}

impl World {
    pub(super) fn new(input: &mut Input<'_>) -> Self {
        let shape = input.byte();
        let fields = if shape & 1 == 0 { 1000 } else { 3 };
        let settings = ReplicaSettings::default()
            .held(HELD.0, HELD.1)
            .small_map(fields, 1 << 20)
            .page_fields(1 + u64::from(shape & 2))
            .compared(if shape & 16 == 0 { 20_000 } else { 1 });
        let mut replica = Replica::new(settings, shape.into());
        let mut world = Self {
            oracle: Oracle::new(&mut replica),
            replica,
            server: Server::new(),
            link: Link::default(),
            now: Duration::ZERO,
            connection: 0,
            nonce: None,
            requests: VecDeque::new(),
            replies: VecDeque::new(),
            held: HeldCount::default(),
            honest: shape & 8 == 0,
            sound: true,
            ordered: true,
            closed: false,
        };
        if shape & 4 == 0 {
            world.connect();
            world.subscribe();
        }
        world
    }

    pub(super) fn take(&mut self, step: u8, input: &mut Input<'_>) {
        match step % if self.honest { 29 } else { 40 } {
            step @ 0..16 => self.regular(step, input),
            step @ 16..29 => self.fault(step, input),
            step => self.hostile(step, input),
        }
    }

    /// A step in which nothing goes wrong.
    fn regular(&mut self, step: u8, input: &mut Input<'_>) {
        match step {
            0 => self.connect(),
            1 => self.subscribe(),
            2..=4 => self.write(server::operation(input), input),
            5 => self.write(server::batch(input), input),
            6 => self.receive(1),
            7 => self.receive(usize::MAX),
            8 => self.execute(),
            9 => self.reply(),
            10 => self.answer(),
            11 => self.pass(Duration::from_millis(input.byte().into())),
            12 => self.pass(self.replica.poll_timeout().unwrap_or_default().saturating_sub(self.now)),
            13 => self.pass(Duration::from_secs(input.byte().into())),
            14 => {
                self.oracle.wait(None, self.server.current());
                self.replica.handle_sync(self.now);
            }
            _ => match self.server.state().0 {
                Some(revision) => self.oracle.wait(Some(revision), self.server.current()),
                // The wait must end with any content.
                None => self.oracle.wait(Some(Revision::ONE), 0),
            },
        }
    }

    /// A fault of network or server that a replica must survive.
    fn fault(&mut self, step: u8, input: &mut Input<'_>) {
        match step {
            16 => self.disconnect(),
            17 => {
                self.link.lose();
                self.replica.handle_lagged(self.now);
            }
            18 => drop(self.link.take()),
            19 => {
                self.ordered = false;
                self.link.repeat();
            }
            20 => {
                self.ordered = false;
                self.link.swap();
            }
            21 => self.link.spoil(input.byte()),
            22 => self.fail(input.flag()),
            23 => drop(self.requests.pop_front()),
            24 => drop(self.replies.pop_front()),
            25 => self.subscribe_fails(input.flag()),
            26 => self.server.wipe(self.now),
            27 => self.server.keep_copy(),
            _ => {
                self.ordered = false;
                self.disconnect();
                self.server.fail_over(self.now);
            }
        }
    }

    /// Misbehaviour that a replica must survive.
    fn hostile(&mut self, step: u8, input: &mut Input<'_>) {
        if step != 38 && step != 39 {
            self.sound = false;
        }
        match step {
            29 => self.notify(&input.raw()),
            30..=32 => {
                let payload = input.payload(self.replica.status().revision);
                self.notify(&payload);
            }
            33 => {
                let last = self.requests.back().map_or(0, |(id, _)| id.get());
                let id = last.wrapping_sub(u64::from(input.byte()));
                self.replica.handle_mark(self.now, id.to_string().as_bytes());
            }
            34 => {
                let reply = input.reply(self.replica.status().revision);
                if let Some((id, _)) = self.requests.pop_front() {
                    self.replica.handle_mark(self.now, id.get().to_string().as_bytes());
                    self.replica.handle_reply(self.now, id, Ok(reply));
                }
            }
            35 => {
                let payload = self.server.go_write(self.now, input);
                self.link.publish(Message::Notification(payload));
            }
            36 => self.server.write_behind(self.now, input),
            37 => self.server.fail_over(self.now),
            38 => self.oracle.observe(&mut self.replica, input.flag()),
            _ => {
                self.closed |= input.byte() == 255;
                if self.closed {
                    while self.replica.do_work(1) {}
                    self.replica.close(self.now);
                }
            }
        }
    }

    fn connect(&mut self) {
        self.link.cut();
        self.connection += 1;
        self.replica.handle_connected(self.now, self.connection);
        self.drain();
    }

    fn disconnect(&mut self) {
        self.link.cut();
        self.replica.handle_disconnected(self.now, "cut");
    }

    fn subscribe(&mut self) {
        if let Some(nonce) = &self.nonce {
            self.link.subscribed = true;
            self.replica.handle_subscribed(self.now, nonce);
        }
    }

    fn subscribe_fails(&mut self, refused: bool) {
        if let Some(nonce) = &self.nonce {
            self.replica.handle_subscribe_failed(self.now, nonce, failure(refused));
        }
    }

    fn write(&mut self, operation: rmap_proto::Operation, input: &mut Input<'_>) {
        for payload in self.server.write(self.now, operation, input) {
            self.link.publish(Message::Notification(payload));
        }
    }

    fn receive(&mut self, most: usize) {
        for _ in 0..most {
            match self.link.take() {
                Some(Message::Notification(payload)) => self.notify(&payload),
                Some(Message::Mark(payload)) => self.replica.handle_mark(self.now, &payload),
                None => break,
            }
            self.drain();
        }
    }

    fn notify(&mut self, payload: &[u8]) {
        // Large enough to take effect. A prefetch changes nothing, so the following steps are as without it.
        self.replica.prefetch(std::iter::repeat_n(payload, 16));
        let disposition = self.replica.handle_notification(self.now, payload);
        // A scan holds the new content, which is as large as the map.
        let scanning = self.replica.status().scan.is_some();
        let whole = Notification::decode(payload).is_ok_and(|notification| notification.is_whole());
        if disposition != Disposition::Held || scanning || whole {
            self.held.clear();
        } else {
            self.held.add(payload, self.replica.status().phase, HELD);
        }
        self.drain();
    }

    fn execute(&mut self) {
        let Some((id, request)) = self.requests.pop_front() else { return };
        let mark = Mark::new("private".into(), id.get());
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Page { cursor, count } => Read::Page { cursor, count },
            Request::Probe => Read::Probe { mark },
        };
        let reply = self.server.read(self.now, &read);
        if !matches!(read, Read::Page { .. }) {
            self.link.publish(Message::Mark(id.get().to_string().into_bytes()));
        }
        self.replies.extend(reply.map(|reply| (id, reply)));
    }

    fn reply(&mut self) {
        if let Some((id, reply)) = self.replies.pop_front() {
            self.replica.handle_reply(self.now, id, Ok(reply));
        }
    }

    fn fail(&mut self, refused: bool) {
        if let Some((id, _)) = self.requests.pop_front() {
            self.replica.handle_reply(self.now, id, Err(failure(refused)));
        }
    }

    /// Answers every request without a fault.
    fn answer(&mut self) {
        self.execute();
        self.receive(usize::MAX);
        self.reply();
    }

    /// Lets time pass and performs due work. Nothing may stay due.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        for _ in 0..4 {
            self.replica.handle_timeout(self.now);
            self.replica.do_work(1);
            self.drain();
        }
        let next = self.replica.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "due for ever at {next:?}");
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            match self.replica.poll_output() {
                Some(Output::Subscribe { nonce }) => self.nonce = Some(nonce),
                Some(Output::Request { id, request }) => {
                    self.held.clear();
                    self.requests.push_back((id, request));
                }
                Some(Output::ReplaceConnections { connection }) if connection == self.connection => {
                    self.disconnect();
                }
                Some(Output::Changed(kind)) => self.oracle.emitted(kind),
                Some(Output::ReplaceConnections { .. } | Output::StatusChanged) => {}
                None => return,
            }
        }
        panic!("more than {OUTPUTS} outputs of one input");
    }

    pub(super) fn check(&mut self) {
        self.drain();
        self.server.record(self.now);
        if self.oracle.check(&mut self.replica, self.now) && self.sound {
            self.oracle.check_prefix(&self.replica, &self.server, self.ordered);
        }
    }
}

fn failure(refused: bool) -> Failure {
    let why = "as the history has it".to_owned();
    if refused { Failure::Refused(why) } else { Failure::Unavailable(why) }
}
