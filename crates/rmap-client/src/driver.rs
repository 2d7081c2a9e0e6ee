//! The one task per map that feeds the replica and does what it asks for. Nobody else writes to the replica.

use std::sync::Arc;
use std::time::Duration;

use rmap_core::{Failure, Nonce, Output, Phase, Progress, Received, Replica, Request, RequestId, Status};
use rmap_proto::{MapName, Mark, Read, ReadReply, WriteError};
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

/// Changes that are handed to the streams in one go: they are locked meanwhile.
const HANDED_AT_ONCE: usize = 512;

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
            batch: Vec::new(),
            closing: false,
        }
    }

    /// Runs until the map closes.
    pub(crate) async fn run(mut self) {
        while !self.closing {
            let done = self.wake_up().await;
            if self.turn(done).await == BATCH || self.replica.is_comparing() {
                // A flood of messages or a long comparison must not keep the other tasks of this thread from running.
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
        let due = self.is_due().then(|| self.router.transport().received());
        // The batch is fixed before the asks are read: whoever made a stream before a write finds the write in it.
        let mut batch = std::mem::take(&mut self.batch);
        self.membership.inbox.take(BATCH, &mut batch);
        while let Some(ask) = self.asked.try_next() {
            self.on_ask(ask);
        }
        let (now, count) = (self.now(), batch.len());
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
            self.time_out(received, count == BATCH);
        }
        self.bound_held(self.now());
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

    fn is_due(&self) -> bool {
        self.replica.poll_timeout().is_some_and(|due| due <= self.now())
    }

    /// Something was due. Where `more` messages wait, a mark may be among them, and the answer to a PING tells nothing of it.
    fn time_out(&mut self, received: Option<Received>, more: bool) {
        if let Some(received) = received.filter(|received| !more || received.pings.is_none()) {
            self.replica.handle_received(received);
        }
        self.replica.handle_timeout(self.now());
    }

    /// Hands in what has arrived on the connections.
    fn hear(&mut self) {
        if let Some(received) = self.router.transport().received() {
            self.replica.handle_received(received);
        }
    }

    /// Begins streams of changes exactly at the content of now.
    fn observe(&mut self) {
        // What was recorded before belongs to the older streams alone. A long comparison ends in one go here, but seldom.
        while self.replica.compare() {}
        self.tell_changes();
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

    /// Does what the replica asks for, and tells everybody what is new.
    async fn settle(&mut self) {
        let (mut changed, mut status_changed) = (None, false);
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => {
                    self.subscribe(nonce);
                    self.hear();
                }
                Output::Request { id, request } => {
                    self.request(id, request);
                    self.hear();
                    if self.replica.status().scan.is_some() {
                        // The replica enters a page next. A new task waits for this one to pause, and no other thread
                        // can take it over: without a pause the request would leave after that.
                        tokio::task::yield_now().await;
                    }
                }
                Output::ReplaceConnections { connection } => self.replace_connections(connection),
                Output::Changed(kind) => changed = changed.max(Some(kind)),
                Output::StatusChanged => status_changed = true,
            }
        }
        self.tell_changes();
        if let Some(kind) = changed {
            self.outlets.events.push(kind);
        }
        if status_changed {
            self.tell_status();
        }
        while let Some(outcome) = self.replica.poll_verified() {
            self.verifications.end(&outcome);
            self.verify_next();
        }
        let progress = self.replica.progress();
        self.progress.send_if_modified(|told| std::mem::replace(told, progress) != progress);
    }

    /// Tells of the content what is not told yet, when there will be no more turn.
    fn tell_rest(&mut self) {
        while self.replica.compare() {}
        self.tell_changes();
        let outputs = std::iter::from_fn(|| self.replica.poll_output());
        let kinds =
            outputs.filter_map(|output| if let Output::Changed(kind) = output { Some(kind) } else { None });
        if let Some(kind) = kinds.max() {
            self.outlets.events.push(kind);
        }
    }

    fn tell_changes(&mut self) {
        let mut observed = true;
        while let Some(first) = self.replica.poll_change() {
            let rest = std::iter::from_fn(|| self.replica.poll_change());
            let changes = std::iter::once(first).chain(rest).take(HANDED_AT_ONCE);
            observed = self.outlets.changes.extend(changes);
        }
        if !observed {
            self.replica.observe_changes(false);
        }
    }

    fn tell_status(&self) {
        let status = self.replica.status().clone();
        // In this order: a stream that is added in between begins with the new one, and gets it once more.
        self.status.send_replace(status.clone());
        self.outlets.statuses.push(crate::status::Status::new(status, self.outlets.clock.clone()));
    }

    fn subscribe(&mut self, nonce: Nonce) {
        self.nonce = Some(nonce.clone());
        let (router, map, id) = (Arc::clone(&self.router), self.name.clone(), self.membership.id());
        self.work.spawn(async move {
            let subscribed = router.subscribe(id, &map, nonce.as_str()).await;
            Done::Subscribed(nonce, subscribed)
        });
    }

    fn request(&mut self, id: RequestId, request: Request) {
        let Some(nonce) = &self.nonce else { return };
        let mark = Mark { channel: self.name.sync_channel(nonce.as_str()), id: id.get() };
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Probe => Read::Probe { mark },
            Request::Page { cursor, count } => Read::Page { cursor, count },
        };
        let (router, map) = (Arc::clone(&self.router), self.name.clone());
        self.work.spawn(async move { Done::Read(id, router.read(&map, &read).await) });
    }

    fn replace_connections(&mut self, connection: u64) {
        let (router, reason) = (Arc::clone(&self.router), self.replica.status().reason.clone());
        self.work.spawn(async move {
            router.transport().replace_connections(connection, &reason).await;
            Done::Replaced
        });
    }

    async fn finish(mut self) {
        // A stream asked for until now still gets its end; later ones find the channel closed.
        self.asked.close();
        while let Some(ask) = self.asked.try_next() {
            self.on_ask(ask);
        }
        while self.replica.compare() {
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

    fn deadline(&self) -> Instant {
        let deadline = self.replica.poll_timeout().and_then(|time| self.outlets.clock.instant(time));
        deadline.unwrap_or_else(|| Instant::now() + IDLE)
    }
}

/// What a failed request means for the replica: whether asking again may help.
fn failure(error: TransportError) -> Failure {
    match error {
        TransportError::Authority(WriteError::Indeterminate(error)) => {
            Failure::Unavailable(error.to_string())
        }
        TransportError::Authority(error) => Failure::Refused(error.to_string()),
        TransportError::NotSent(reason) | TransportError::Indeterminate(reason) => {
            Failure::Unavailable(reason)
        }
    }
}
