//! The one task per map that feeds the replica and does what it asks for. Nobody else writes to the replica.
//!
//! The room: `outputs` (what the replica asks for, and what everybody is told).

mod outputs;

use std::sync::Arc;
use std::time::Duration;

use rmap_core::{Failure, Nonce, Phase, Progress, Received, Replica, RequestId, Status};
use rmap_proto::{MapName, ReadReply, WriteError};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::asks::{Ask, Asked};
use crate::changes::Log;
use crate::inbox::Delivery;
use crate::outlets::Outlets;
use crate::router::{Membership, Router};
use crate::sum::Share;
use crate::transport::TransportError;
use crate::verification::Verifications;

/// Most deliveries between two looks at timers, commands and answers.
const BATCH: usize = 512;

/// When the replica has no deadline, the driver looks again after this time.
const IDLE: Duration = Duration::from_secs(3600);

/// Capacity that an empty batch keeps.
const KEPT_CAPACITY: usize = 16;

pub(crate) struct Driver {
    name: MapName,
    replica: Replica,
    router: Arc<Router>,
    membership: Membership,
    asked: Asked,
    progress: watch::Sender<Progress>,
    status: watch::Sender<Status>,
    outlets: Arc<Outlets>,
    /// Of what the replicas of all maps hold until a snapshot is there.
    held: Share,
    nonce: Option<Nonce>,
    verifications: Verifications,
    /// Requests under way; they never hold up the loop.
    work: JoinSet<Done>,
    /// The time when it was last looked at: by the replica's clock and by that of the timers.
    looked: (Duration, Instant),
    /// Empty between turns; kept for its memory.
    batch: Vec<Delivery>,
    closing: bool,
}

/// What became of a request's task.
type Ended = Result<Done, JoinError>;

/// A request that has ended.
enum Done {
    Read(RequestId, Result<ReadReply, TransportError>),
    Subscribed(Nonce, Result<(), TransportError>),
    Replaced,
}

/// However the task ends, also by a panic or with its runtime: the map is closed, and nobody waits for it any more.
impl Drop for Driver {
    fn drop(&mut self) {
        // After an orderly end all of this has happened. After a panic nothing is done that may have caused it: a second one
        // would abort the process.
        if !std::thread::panicking() {
            self.tell_rest();
        }
        self.replica.close(self.now());
        if self.status.borrow().phase != Phase::Closed {
            self.tell_status();
        }
        self.outlets.close();
        self.asked.close();
        self.router.remove(self.membership.id());
    }
}

impl Driver {
    pub(crate) fn new(
        name: MapName,
        replica: Replica,
        (router, membership): (Arc<Router>, Membership),
        asked: Asked,
        (progress, status): (watch::Sender<Progress>, watch::Sender<Status>),
        outlets: Arc<Outlets>,
        held: Share,
    ) -> Self {
        Self {
            name,
            replica,
            router,
            membership,
            asked,
            progress,
            status,
            outlets,
            held,
            nonce: None,
            verifications: Verifications::default(),
            work: JoinSet::new(),
            looked: (Duration::ZERO, Instant::now()),
            batch: Vec::new(),
            closing: false,
        }
    }

    /// Runs until the map closes.
    pub(crate) async fn run(mut self) {
        self.look();
        while !self.closing {
            let done = if self.replica.has_work() {
                // Requests leave before the work begins: a new task waits for this one to pause, and no other thread can
                // take it over.
                tokio::task::yield_now().await;
                self.replica.do_work(self.replica.work_budget());
                None
            } else {
                self.wake_up().await
            };
            if self.turn(done).await == BATCH {
                // A flood of messages must not keep the other tasks of this thread from running.
                tokio::task::yield_now().await;
            }
        }
        self.finish().await;
    }

    /// Waits until there is something to do, and returns the request that has ended, if it was that. Every branch is
    /// cancel-safe.
    async fn wake_up(&mut self) -> Option<Ended> {
        let deadline = self.deadline();
        tokio::select! {
            () = self.membership.inbox.ready() => {}
            done = self.work.join_next(), if !self.work.is_empty() => return done,
            ask = self.asked.next() => self.on_ask(ask),
            () = tokio::time::sleep_until(deadline) => {}
        }
        None
    }

    /// Does a bounded amount of everything that is there to do. Returns how many deliveries there were.
    ///
    /// Requests that have ended are collected before the deliveries and handled after them: one that failed because the
    /// connection was lost says so in its own words, and the replica is to hear of the loss first.
    async fn turn(&mut self, done: Option<Ended>) -> usize {
        let mut ended: Vec<Ended> = done.into_iter().collect();
        while let Some(done) = self.work.try_join_next() {
            ended.push(done);
        }
        // What has arrived is counted before the messages are taken, so that none of those is still missing.
        let now = self.look();
        let due = self.is_due(now).then(|| self.router.transport().received());
        // The batch is fixed before the asks are read: whoever made a stream before a write finds the write in it.
        let mut batch = std::mem::take(&mut self.batch);
        self.membership.inbox.take(BATCH, &mut batch);
        while let Some(ask) = self.asked.try_next() {
            self.on_ask(ask);
        }
        let count = batch.len();
        for deliveries in batch.chunks(Replica::PREFETCH) {
            self.replica.prefetch(deliveries.iter().filter_map(Delivery::update));
            for delivery in deliveries {
                self.on_delivery(now, delivery);
            }
        }
        batch.clear();
        if count < KEPT_CAPACITY {
            batch.shrink_to(KEPT_CAPACITY);
        }
        self.batch = batch;
        ended.into_iter().for_each(|done| self.on_done(done));
        if let Some(received) = due {
            self.time_out(now, received, count == BATCH);
        }
        self.bound_held(now);
        self.settle().await;
        count
    }

    fn on_delivery(&mut self, now: Duration, delivery: &Delivery) {
        match delivery {
            Delivery::Connected(connection) => self.replica.handle_connected(now, *connection),
            Delivery::Disconnected(reason) => self.replica.handle_disconnected(now, reason),
            Delivery::Update(payload) => {
                self.replica.handle_notification(now, payload);
            }
            Delivery::Mark(payload) => self.replica.handle_mark(now, payload),
            Delivery::Lagged => self.replica.handle_lagged(now),
            // What was proven before counts for nothing any more.
            Delivery::ClockJumped => self.replica.handle_sync(now),
            Delivery::Closed => self.closing = true,
        }
    }

    /// Where the replicas of all maps hold too much together, the next of them gives up what it holds.
    fn bound_held(&mut self, now: Duration) {
        let bytes = self.replica.held_bytes();
        self.held.set(bytes);
        if bytes > 0 && self.held.is_too_much() {
            self.replica.handle_lagged(now);
            self.held.set(self.replica.held_bytes());
        }
    }

    fn on_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Prove(target) => self.replica.handle_wait(self.now(), &target),
            Ask::Observe => self.observe(),
            Ask::Verify(answers) => {
                answers.into_iter().for_each(|answer| self.verifications.ask(answer));
                self.verify_next();
            }
            Ask::Close => self.closing = true,
        }
    }

    fn on_done(&mut self, done: Ended) {
        let now = self.now();
        match done {
            Ok(Done::Read(id, reply)) => {
                self.hear();
                self.replica.handle_reply(now, id, reply.map_err(failure));
            }
            Ok(Done::Subscribed(nonce, Ok(()))) => self.replica.handle_subscribed(now, &nonce),
            Ok(Done::Subscribed(nonce, Err(error))) => {
                self.replica.handle_subscribe_failed(now, &nonce, failure(error));
            }
            Ok(Done::Replaced) => {}
            // The replica's own deadline asks again.
            Err(error) => tracing::error!(%error, "a request was broken off"),
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        self.replica.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Something was due. Where `more` messages wait, a mark may be among them, and the answer to a PING tells nothing of it.
    fn time_out(&mut self, now: Duration, received: Option<Received>, more: bool) {
        if let Some(received) = received.filter(|received| !more || received.pings.is_none()) {
            self.replica.handle_received(received);
        }
        self.replica.handle_timeout(now);
    }

    /// Hands in what has arrived on the connections.
    fn hear(&mut self) {
        if let Some(received) = self.router.transport().received() {
            self.replica.handle_received(received);
        }
    }

    /// Begins streams of changes exactly at the content of now.
    fn observe(&mut self) {
        // What was recorded before belongs to the older streams alone.
        self.finish_work();
        self.replica.observe_changes(true);
        for view in self.outlets.changes.with(Log::begin) {
            // The caller may have given up.
            let _ = view.send(self.replica.reader().view());
        }
    }

    fn verify_next(&mut self) {
        if self.verifications.begin() {
            self.replica.handle_verify(self.now());
        }
    }

    async fn finish(mut self) {
        // A stream asked for until now still gets its end; later ones find the channel closed.
        self.asked.close();
        while let Some(ask) = self.asked.try_next() {
            self.on_ask(ask);
        }
        while self.replica.do_work(self.replica.work_budget()) {
            self.tell_changes();
            tokio::task::yield_now().await;
        }
        self.replica.close(self.now());
        self.settle().await;
        self.outlets.close();
        self.work.shutdown().await;
        self.router.leave(self.membership.id()).await;
    }

    fn now(&self) -> Duration {
        self.outlets.clock.now()
    }

    /// The time, noted for the deadline of the next pause.
    fn look(&mut self) -> Duration {
        // In this order: what passes in between makes the deadline too early, never too late.
        let instant = Instant::now();
        self.looked = (self.now(), instant);
        self.looked.0
    }

    fn deadline(&self) -> Instant {
        let (now, instant) = self.looked;
        let left = self.replica.poll_timeout().map_or(IDLE, |time| time.saturating_sub(now));
        instant.checked_add(left).unwrap_or(instant + IDLE)
    }
}

/// What a failed request means for the replica: whether asking again may help.
fn failure(error: TransportError) -> Failure {
    match error {
        TransportError::Authority(WriteError::Indeterminate(error)) => {
            Failure::Unavailable(error.to_string())
        }
        TransportError::Authority(error) => Failure::Refused(error.to_string()),
        TransportError::NotSent(cause) | TransportError::Indeterminate(cause) => {
            Failure::Unavailable(cause.to_string())
        }
    }
}
