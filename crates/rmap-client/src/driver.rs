//! The one task per map that feeds the replica and carries out its requests. Nothing else writes to the replica.
//!
//! The module `outputs` carries out the replica's requests and emits changes, events and statuses; `store` reads and
//! writes the map's store.

mod outputs;
mod store;

use std::sync::Arc;
use std::time::Duration;

use rmap_core::{Failure, Nonce, Phase, Progress, Received, Replica, ReplicaStatus, RequestId};
use rmap_proto::{MapName, ReadReply, WriteError};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::Span;

use crate::asks::{Ask, Asked};
use crate::changes::Log;
use crate::inbox::Delivery;
use crate::outlets::Outlets;
use crate::router::{Membership, Router};
use crate::store::{SaveEnded, Saver, StoreState};
use crate::sum::Share;
use crate::transport::TransportError;
use crate::verification::Verifications;

/// Most deliveries between two looks at timers, commands and answers.
const BATCH: usize = 512;

/// Longest sleep of the driver while the replica has no deadline.
const IDLE: Duration = Duration::from_secs(3600);

/// Capacity that an empty batch keeps.
const KEPT_CAPACITY: usize = 16;

pub(crate) struct Driver {
    saver: Option<Box<Saver>>,
    store: Option<Arc<StoreState>>,
    name: MapName,
    replica: Replica,
    router: Arc<Router>,
    membership: Membership,
    asked: Asked,
    progress: watch::Sender<Progress>,
    status: watch::Sender<ReplicaStatus>,
    outlets: Arc<Outlets>,
    /// This map's share of what the replicas of all maps hold until their snapshots arrive.
    held: Share,
    nonce: Option<Nonce>,
    verifications: Verifications,
    /// Requests in flight; they never hold up the loop.
    work: JoinSet<Done>,
    /// The last reading of the time, on the replica's clock and on that of the timers.
    looked: (Duration, Instant),
    /// Notifications taken so far, and their bytes.
    taken: (u64, u64),
    /// The span of the resync in progress.
    resync: Option<Span>,
    /// Empty between turns; kept for its memory.
    batch: Vec<Delivery>,
    closing: bool,
}

/// The end of a request's task.
type Ended = Result<Done, JoinError>;

/// A request that has ended.
enum Done {
    Read(RequestId, Result<ReadReply, TransportError>),
    Subscribed(Nonce, Result<(), TransportError>),
    Replaced,
    Saved(SaveEnded),
}

/// Closes the map however its task ends, also by a panic or with its runtime, so that no caller waits for ever.
impl Drop for Driver {
    fn drop(&mut self) {
        // An orderly end has done all of this already. After a panic the driver does not emit again, because that may
        // have caused the panic, and a second one would abort the process.
        if !std::thread::panicking() {
            self.emit_rest();
        }
        self.replica.close(self.now());
        if self.status.borrow().phase != Phase::Closed {
            self.emit_status();
        }
        self.outlets.close();
        self.asked.close();
        self.router.remove(self.membership.id());
    }
}

impl Driver {
    pub(crate) fn new(
        name: MapName,
        (replica, saver): (Replica, Option<Box<Saver>>),
        (router, membership): (Arc<Router>, Membership),
        asked: Asked,
        (progress, status): (watch::Sender<Progress>, watch::Sender<ReplicaStatus>),
        outlets: Arc<Outlets>,
        held: Share,
    ) -> Self {
        Self {
            store: saver.as_ref().map(|saver| Arc::clone(saver.store().state())),
            saver,
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
            taken: (0, 0),
            resync: None,
            batch: Vec::new(),
            closing: false,
        }
    }

    /// Runs until the map closes.
    pub(crate) async fn run(mut self) {
        self.load().await;
        self.look();
        while !self.closing {
            let done = if self.replica.has_work() {
                // The pause lets new requests leave before the work begins: a new task waits until this one pauses,
                // and no other thread can take it over.
                tokio::task::yield_now().await;
                self.replica.do_work(self.replica.work_budget());
                None
            } else {
                self.wake_up().await
            };
            if self.turn(done).await == BATCH {
                // A flood of messages must not starve the other tasks of this thread.
                tokio::task::yield_now().await;
            }
        }
        self.finish().await;
    }

    /// Waits until there is something to do. Returns a request that has ended, if that woke the driver. Every branch
    /// is cancel-safe.
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

    /// Does a bounded amount of everything that waits. Returns the number of deliveries.
    ///
    /// Requests that have ended are collected before the deliveries and handled after them. A request that failed
    /// with the connection has a reason of its own, and the replica must learn of the lost connection first.
    async fn turn(&mut self, done: Option<Ended>) -> usize {
        let mut ended: Vec<Ended> = done.into_iter().collect();
        while let Some(done) = self.work.try_join_next() {
            ended.push(done);
        }
        // Arrivals are counted before the messages are taken, so that every counted message is among them.
        let now = self.look();
        let due = self.is_due(now).then(|| self.router.transport().received());
        // The batch is taken before the asks are read: a stream that was made before a write includes the write.
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
        self.outlets.tallies.publish(self.taken.0, self.taken.1);
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
        self.save_if_due();
        count
    }

    fn on_delivery(&mut self, now: Duration, delivery: &Delivery) {
        match delivery {
            Delivery::Connected(connection) => self.replica.handle_connected(now, *connection),
            Delivery::Disconnected(reason) => self.replica.handle_disconnected(now, reason),
            Delivery::Update(payload) => {
                self.taken = (self.taken.0 + 1, self.taken.1 + payload.len() as u64);
                self.replica.handle_notification(now, payload);
            }
            Delivery::Mark(payload) => self.replica.handle_mark(now, payload),
            Delivery::Lagged => self.replica.handle_lagged(now),
            // No earlier proof counts any more.
            Delivery::ClockJumped => self.replica.handle_sync(now),
            Delivery::Closed => self.closing = true,
        }
    }

    /// Gives up what this replica holds when the replicas of all maps together hold too much.
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
            Ask::Follow => self.replica.handle_follow(self.now()),
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
            Ok(Done::Saved(ended)) => self.saved(ended),
            // The replica's own deadline retries the request.
            Err(error) => tracing::error!(%error, "a request was broken off"),
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        self.replica.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Handles a deadline of the replica. If `more` messages wait, a mark may be among them, so the answer to a PING
    /// says nothing about the mark.
    fn time_out(&mut self, now: Duration, received: Option<Received>, more: bool) {
        if let Some(received) = received.filter(|received| !more || received.pings.is_none()) {
            self.replica.handle_received(received);
        }
        self.replica.handle_timeout(now);
    }

    /// Passes the counts of arrivals to the replica.
    fn hear(&mut self) {
        if let Some(received) = self.router.transport().received() {
            self.replica.handle_received(received);
        }
    }

    /// Starts streams of changes exactly at the current content.
    fn observe(&mut self) {
        // Changes recorded before belong to the older streams alone.
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
        // A stream requested until now still gets its end; later ones find the channel closed.
        self.asked.close();
        while let Some(ask) = self.asked.try_next() {
            self.on_ask(ask);
        }
        while self.replica.do_work(self.replica.work_budget()) {
            self.emit_changes();
            tokio::task::yield_now().await;
        }
        self.save_at_end().await;
        self.replica.close(self.now());
        self.settle().await;
        self.outlets.close();
        self.work.shutdown().await;
        self.router.leave(self.membership.id()).await;
    }

    fn now(&self) -> Duration {
        self.outlets.clock.now()
    }

    /// Reads the time, and keeps it for the next deadline.
    fn look(&mut self) -> Duration {
        // Timer's clock first: a delay between the readings makes the deadline too early, never too late.
        let instant = Instant::now();
        self.looked = (self.now(), instant);
        self.looked.0
    }

    fn deadline(&self) -> Instant {
        let (now, instant) = self.looked;
        let left = self.replica.poll_timeout().map_or(IDLE, |time| time.saturating_sub(now));
        let due = instant.checked_add(left).unwrap_or(instant + IDLE);
        self.saver.as_ref().and_then(|saver| saver.due()).map_or(due, |save| save.min(due))
    }
}

/// Tells the replica whether asking again may help.
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
