//! The replica: a state machine without I/O.
//!
//! Inputs are the `handle_*` methods, outputs the `poll_*` methods. The rooms: `connections` (subscription and connections),
//! `sync` (asking for and installing a snapshot), `scan` (large maps), `live` (applying notifications), `batch`
//! (atomic runs of them), `probe` (finding silent loss), `verify` and `pass` (reading the content again while live),
//! `patience` (answers that are late), `rate` (how much to ask for at once), `changes` (what is told of them), `work`
//! (what takes long, in parts), `loss` (logging entries that went without a write).

mod batch;
mod changes;
mod connections;
mod held;
mod live;
mod loss;
mod pass;
mod patience;
mod probe;
mod rate;
mod scan;
mod sync;
mod verify;
mod work;

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

use rmap_proto::{Mark, Notification, ReadReply};

use crate::backoff::Backoff;
use crate::config::Config;
use crate::content::{Content, KeyHasher, Reader};
use crate::output::{Change, Disposition, EventKind, Failure, Nonce, Output, Request, RequestId};
use crate::progress::{Progress, Target};
use crate::received::Received;
use crate::status::{Phase, Reason, Status};
use batch::PartialBatch;
use changes::Changes;
use connections::{Connections, Subscribing};
use probe::Live;
use scan::Scan;
use sync::Fetch;
use verify::Verifying;

/// A complete local copy of one map, kept in step by what its driver feeds it.
///
/// The crate's documentation shows a driver.
#[derive(Debug)]
pub struct Replica {
    config: Config,
    rng: fastrand::Rng,
    content: Content,
    /// Reserved fields that the server's hash holds beside the local keys.
    reserved: u64,
    mode: Mode,
    connections: Connections,
    backoff: Backoff,
    last_request: u64,
    sync_wanted: bool,
    /// True once a content was proven.
    joined: bool,
    verifying: Verifying,
    status: Status,
    outputs: VecDeque<Output>,
    changes: Changes,
}

#[derive(Debug)]
enum Mode {
    /// No connection.
    Detached,
    /// Waiting for the subscription, or to ask for it again at that time.
    Subscribing(Subscribing),
    /// Subscribed; the next snapshot is asked for at this time.
    Waiting {
        at: Duration,
    },
    /// A snapshot, or a probe that may spare it, is under way.
    Fetching(Fetch),
    /// A large map is read in pages.
    Scanning(Box<Scan>),
    /// Content and notifications fit together.
    Live(Live),
    Closed,
}

impl Replica {
    /// How many notifications are best announced at once by [`prefetch`](Self::prefetch): not more than the processor's
    /// nearest cache has room for.
    pub const PREFETCH: usize = 128;

    /// A replica without content. `seed` feeds its hash function, its nonces and its jitter: it should be unpredictable
    /// to peers and differ between replicas.
    #[must_use]
    pub fn new(config: Config, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let content = Content::new(KeyHasher::new(rng.u64(..)));
        let verifying = Verifying::new(&config);
        let backoff = Backoff::new(config.resync_min, config.resync_max);
        let status = Status {
            phase: Phase::Joining,
            since: Duration::ZERO,
            reason: Reason::Started,
            revision: None,
            fresh_at: None,
            failover_detection: true,
            scan: None,
            late_since: None,
            resyncs: 0,
            last_resync: None,
            in_doubt: false,
            differed: 0,
        };
        Self {
            config,
            rng,
            content,
            reserved: 0,
            mode: Mode::Detached,
            connections: Connections::default(),
            backoff,
            last_request: 0,
            sync_wanted: false,
            joined: false,
            verifying,
            status,
            outputs: VecDeque::new(),
            changes: Changes::default(),
        }
    }

    /// A handle for reading the content from any thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.content.reader()
    }

    /// Both connections are up, with nothing subscribed. `connection` is their number, greater than any before.
    pub fn handle_connected(&mut self, now: Duration, connection: u64) {
        if !self.is_closed() {
            self.on_connected(now, connection);
        }
    }

    /// A connection was lost, and the subscription with it.
    pub fn handle_disconnected(&mut self, now: Duration, reason: &str) {
        if !self.is_closed() {
            self.on_disconnected(now, reason);
        }
    }

    /// Answers [`Output::Subscribe`]: both channels were asked for.
    pub fn handle_subscribed(&mut self, now: Duration, nonce: &Nonce) {
        if matches!(self.mode, Mode::Subscribing { .. }) && self.connections.nonce.as_ref() == Some(nonce) {
            self.on_subscribed(now);
        }
    }

    /// Answers [`Output::Subscribe`]: it did not work.
    pub fn handle_subscribe_failed(&mut self, now: Duration, nonce: &Nonce, failure: Failure) {
        if matches!(self.mode, Mode::Subscribing { .. }) && self.connections.nonce.as_ref() == Some(nonce) {
            self.on_subscribe_failed(now, failure);
        }
    }

    /// Messages of this subscription were dropped before they got here.
    pub fn handle_lagged(&mut self, now: Duration) {
        match self.mode {
            Mode::Fetching(_) | Mode::Scanning(_) | Mode::Live(_) => self.resync(now, Reason::Lagged),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {}
        }
    }

    /// Bytes of notifications that are held until a snapshot or the rest of a batch is there.
    ///
    /// [`Config::held`] bounds them. A driver of many replicas may have a bound for all of them, and have one of them drop what
    /// it holds by [`handle_lagged`](Self::handle_lagged).
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.mode {
            Mode::Fetching(fetch) => fetch.held_size(),
            Mode::Scanning(scan) => scan.held_size(),
            Mode::Live(live) => live.batch.as_ref().map_or(0, PartialBatch::size),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => 0,
        }
    }

    /// A message on the map's channel.
    pub fn handle_notification(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        match &mut self.mode {
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {
                Disposition::Ignored
            }
            Mode::Fetching(_) => self.hold_for_fetch(now, payload),
            Mode::Scanning(_) => self.on_scan_notification(now, payload),
            Mode::Live(_) => self.on_live_notification(now, payload),
        }
    }

    /// Tells of notifications that are about to be handed in, best [`PREFETCH`](Self::PREFETCH) at a time.
    ///
    /// The entries that they are about are fetched from memory side by side, where one notification after the other would
    /// wait for its own. A driver that has many of them gains by this, and one that never calls it loses nothing else.
    pub fn prefetch<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) {
        if matches!(self.mode, Mode::Live(_)) {
            self.content.prefetch(payloads.filter_map(Notification::key_of));
        }
    }

    /// A message on the private channel. Marks of requests that are no longer of interest are ignored.
    pub fn handle_mark(&mut self, now: Duration, payload: &[u8]) {
        let Some(id) = Mark::parse_id(payload) else { return };
        match &self.mode {
            Mode::Fetching(_) => self.on_fetch_mark(now, id),
            Mode::Scanning(_) => self.on_scan_mark(now, id),
            Mode::Live(_) => self.on_probe_mark(now, id),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {}
        }
    }

    /// Answers [`Output::Request`]. Answers to requests that are no longer of interest are ignored.
    pub fn handle_reply(&mut self, now: Duration, id: RequestId, reply: Result<ReadReply, Failure>) {
        if !self.awaits(id) {
            return;
        }
        if reply.as_ref().is_ok_and(|reply| self.is_of_another_server(reply)) {
            return self.replace_connections(now, Reason::Failover);
        }
        match reply {
            Ok(ReadReply::Snapshot(snapshot)) => self.on_snapshot(now, snapshot),
            Ok(ReadReply::Probe(probe)) => self.on_probe(now, probe),
            Ok(ReadReply::Page(page)) => self.on_page(now, id, page),
            Ok(_) => {}
            Err(failure) => self.on_failure(now, id, failure),
        }
    }

    /// What has arrived on the connections until now, by which a slow line is told from a dead one.
    ///
    /// A driver that can tell does so after each [`Output::Request`] and [`Output::Subscribe`] that it carries out, and
    /// before [`handle_reply`](Self::handle_reply) and a [`handle_timeout`](Self::handle_timeout) that is due.
    pub fn handle_received(&mut self, received: Received) {
        if self.connections.connection == Some(received.connection) {
            self.on_received(received);
        }
    }

    /// Time has passed. Early calls do no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        match &self.mode {
            Mode::Subscribing { .. } => self.on_subscribing_timeout(now),
            Mode::Waiting { .. } => self.fetch(now),
            Mode::Fetching(_) | Mode::Scanning(_) => self.on_no_answer(now),
            Mode::Live(_) => self.on_live_timeout(now),
            Mode::Detached | Mode::Closed => {}
        }
    }

    /// Asks for a proof of freshness as soon as possible, by a request issued after this call.
    pub fn handle_sync(&mut self, now: Duration) {
        self.sync_wanted = true;
        self.probe_if_wanted(now);
    }

    /// Asks for the proof that a wait needs, unless a request that was issued after the wait began serves it: one proof
    /// serves all who wait by then.
    pub fn handle_wait(&mut self, now: Duration, target: &Target) {
        if target.needs_proof() && !self.content.progress().has_issued_since(target) {
            self.handle_sync(now);
        }
    }

    /// Ends everything but reads. Further inputs do nothing, and [work](Self::has_work) that is left is not done.
    pub fn close(&mut self, now: Duration) {
        if !self.is_closed() {
            self.content.update_progress(Progress::close);
            self.mode = Mode::Closed;
            self.changes.stop();
            self.status.scan = None;
            self.status.late_since = None;
            self.set_phase(now, Phase::Closed, Reason::Closed);
        }
    }

    /// Whether net changes are to be recorded for [`Replica::poll_change`]; at first they are not.
    ///
    /// Switching it off drops what is recorded.
    pub fn observe_changes(&mut self, on: bool) {
        self.changes.observe(on);
    }

    /// The next thing to do or to know, in order; `None` when there is no more for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next net change, in order; `None` when there is no more for now. Folded over the content at which the recording
    /// began they give the content now, unless the replica [has work](Self::has_work).
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.take()
    }

    /// When [`Replica::handle_timeout`] has something to do next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.mode {
            Mode::Detached | Mode::Closed => None,
            Mode::Subscribing(subscribing) => Some(subscribing.deadline()),
            Mode::Waiting { at } => Some(*at),
            Mode::Fetching(fetch) => Some(fetch.patience.deadline),
            Mode::Scanning(scan) => Some(scan.patience.deadline),
            Mode::Live(live) => Some(self.live_deadline(live)),
        }
    }

    /// How well the replica follows its map.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// What waiters look at; [`Reader::progress`] is the same for other threads.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.content.progress()
    }

    fn is_closed(&self) -> bool {
        matches!(self.mode, Mode::Closed)
    }

    /// True when the reply to this request is still of interest.
    fn awaits(&self, id: RequestId) -> bool {
        match &self.mode {
            Mode::Fetching(fetch) => fetch.awaited() == Some(id),
            Mode::Scanning(scan) => scan.awaits(id),
            Mode::Live(live) => live.awaits(id),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => false,
        }
    }

    /// Issues a request; those that can prove freshness count as issued for waiters.
    fn request(&mut self, request: Request) -> RequestId {
        self.last_request += 1;
        let id = RequestId::new(NonZeroU64::MIN.saturating_add(self.last_request - 1));
        if !matches!(request, Request::Page { .. }) {
            self.sync_wanted = false;
            self.content.update_progress(|progress| progress.issue(id.get()));
        }
        self.outputs.push_back(Output::Request { id, request });
        id
    }

    fn set_phase(&mut self, now: Duration, phase: Phase, reason: Reason) {
        if self.status.phase != phase {
            tracing::info!(from = %self.status.phase, to = %phase, %reason, "the phase changed");
            self.status.phase = phase;
            self.status.since = now;
        }
        self.status.reason = reason;
        self.tell_status();
    }

    fn tell_status(&mut self) {
        self.status.revision = self.content.progress().revision();
        if self.outputs.back() != Some(&Output::StatusChanged) {
            self.outputs.push_back(Output::StatusChanged);
        }
    }

    fn tell_changed(&mut self, kind: EventKind) {
        self.status.revision = self.content.progress().revision();
        if let Some(Output::Changed(last)) = self.outputs.back_mut() {
            *last = kind.max(*last);
        } else {
            self.outputs.push_back(Output::Changed(kind));
        }
    }
}
