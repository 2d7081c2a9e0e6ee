//! The replica: a state machine without I/O.
//!
//! Inputs are the `handle_*` methods, outputs the `poll_*` methods. The modules:
//!
//! - `connections`: connections and subscription
//! - `sync`: requesting and installing a snapshot
//! - `scan`: reading large maps in pages
//! - `live` and `batch`: applying notifications and atomic runs of them
//! - `probe`: finding silent loss
//! - `verify` and `pass`: comparing the content with the hash while live
//! - `patience` and `rate`: waiting for late answers, and choosing the size of requests
//! - `changes` and `work`: recording net changes, and long work in parts
//! - `outputs`: requests, phases and events for the driver
//! - `kept` and `loss`: keeping the content of a lost hash; logging lost entries
//! - `restore`: showing a stored content before a server has confirmed it

mod batch;
mod changes;
mod connections;
mod held;
mod kept;
mod live;
mod loss;
mod outputs;
mod pass;
mod patience;
mod probe;
mod rate;
mod restore;
mod scan;
mod sync;
mod verify;
mod work;

use std::collections::VecDeque;
use std::time::Duration;

use rmap_proto::{Mark, Notification, ReadReply};

use crate::backoff::Backoff;
use crate::content::{Content, KeyHasher, Reader};
use crate::output::{Change, Disposition, Failure, Nonce, Output, RequestId};
use crate::progress::{Progress, Target};
use crate::proof::{Proof, Unproven};
use crate::received::Received;
use crate::resyncs::Resyncs;
use crate::settings::ReplicaSettings;
use crate::status::{Phase, Reason, ReplicaStatus, Restored};
use batch::PartialBatch;
use changes::Changes;
use connections::{Connections, Subscribing};
use kept::Lost;
use probe::Live;
pub use restore::{Staging, StoredContent};
use scan::Scan;
use sync::Fetch;
use verify::Verifying;

/// A complete local copy of one map. Its driver's inputs keep it in step.
///
/// The [crate's documentation](crate) shows a complete driver.
#[derive(Debug)]
pub struct Replica {
    settings: ReplicaSettings,
    rng: fastrand::Rng,
    content: Content,
    /// Number of reserved fields that the server's hash has beside the local keys.
    reserved: u64,
    mode: Mode,
    connections: Connections,
    backoff: Backoff,
    last_request: u64,
    sync_wanted: bool,
    /// True once a content was proven.
    joined: bool,
    /// The last proof of the content, or of what it followed from.
    proof: Option<Proof>,
    /// The reason why a probe did not prove the stored content.
    refused: Option<Unproven>,
    lost: Lost,
    verifying: Verifying,
    status: ReplicaStatus,
    outputs: VecDeque<Output>,
    changes: Changes,
}

#[derive(Debug)]
enum Mode {
    /// The replica has no connection.
    Detached,
    /// The replica waits for the subscription, or for the time to retry it.
    Subscribing(Subscribing),
    /// The replica is subscribed, and requests the next snapshot at this time.
    Waiting {
        at: Duration,
    },
    /// A snapshot is in flight, or a probe that may save the snapshot.
    Fetching(Fetch),
    /// The replica reads a large map in pages.
    Scanning(Box<Scan>),
    /// Content and notifications are in step.
    Live(Live),
    Closed,
}

impl Replica {
    /// Best number of notifications for one call of [`prefetch`](Self::prefetch). More entries would not fit the
    /// processor's nearest cache.
    pub const PREFETCH: usize = 128;

    /// A replica without content.
    ///
    /// `seed` feeds the hash function, the nonces and the jitter. It should be unpredictable to peers, and different
    /// for each replica.
    #[must_use]
    pub fn new(settings: ReplicaSettings, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let content = Content::new(KeyHasher::new(rng.u64(..)));
        let verifying = Verifying::new(&settings);
        let backoff = Backoff::new(settings.resync_min, settings.resync_max);
        let status = ReplicaStatus {
            phase: Phase::Joining,
            since: Duration::ZERO,
            reason: Reason::Started,
            revision: None,
            fresh_at: None,
            failover_detection: true,
            scan: None,
            late_since: None,
            resyncs: 0,
            resyncs_by_reason: Resyncs::default(),
            last_resync: None,
            in_doubt: false,
            differed: 0,
            round_trip: None,
            restored: Restored::Never,
        };
        Self {
            settings,
            rng,
            content,
            reserved: 0,
            mode: Mode::Detached,
            connections: Connections::default(),
            backoff,
            last_request: 0,
            sync_wanted: false,
            joined: false,
            proof: None,
            refused: None,
            lost: Lost::default(),
            verifying,
            status,
            outputs: VecDeque::new(),
            changes: Changes::default(),
        }
    }

    /// Sets the time of the start, from which the age of the first phase counts; default zero.
    #[must_use]
    pub const fn started_at(mut self, now: Duration) -> Self {
        self.status.since = now;
        self
    }

    /// A reader of the content for any thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.content.reader()
    }

    /// Both connections are up, without any subscription. `connection` is the pair's number, greater than any before.
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

    /// Answers [`Output::Subscribe`]: the server confirmed both channels.
    pub fn handle_subscribed(&mut self, now: Duration, nonce: &Nonce) {
        if matches!(self.mode, Mode::Subscribing { .. }) && self.connections.nonce.as_ref() == Some(nonce) {
            self.on_subscribed(now);
        }
    }

    /// Answers [`Output::Subscribe`]: the subscription failed.
    pub fn handle_subscribe_failed(&mut self, now: Duration, nonce: &Nonce, failure: Failure) {
        if matches!(self.mode, Mode::Subscribing { .. }) && self.connections.nonce.as_ref() == Some(nonce) {
            self.on_subscribe_failed(now, failure);
        }
    }

    /// Notifications of this subscription were dropped on the way. The replica resyncs.
    pub fn handle_lagged(&mut self, now: Duration) {
        match self.mode {
            Mode::Fetching(_) | Mode::Scanning(_) | Mode::Live(_) => self.resync(now, Reason::Lagged),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {}
        }
    }

    /// Number of bytes of the notifications that the replica holds until a snapshot or the rest of a batch arrives.
    ///
    /// [`ReplicaSettings::held`] bounds the bytes. A driver of many replicas can also bound their sum: it calls
    /// [`handle_lagged`](Self::handle_lagged) on one of them, which drops everything that the replica holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.mode {
            Mode::Fetching(fetch) => fetch.held_size(),
            Mode::Scanning(scan) => scan.held_size(),
            Mode::Live(live) => live.batch.as_ref().map_or(0, PartialBatch::size),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => 0,
        }
    }

    /// A payload arrived on the map's channel. The result says how the replica used it.
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

    /// Announces notifications that the driver is about to pass in, best [`PREFETCH`](Self::PREFETCH) at a time.
    ///
    /// The processor fetches their entries side by side. Otherwise each notification would wait for its own entry. The
    /// call is optional and only improves speed.
    pub fn prefetch<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) {
        if matches!(self.mode, Mode::Live(_)) {
            self.content.prefetch(payloads.filter_map(Notification::key_of));
        }
    }

    /// A mark arrived on the private channel. Marks of outdated requests are ignored.
    pub fn handle_mark(&mut self, now: Duration, payload: &[u8]) {
        let Some(id) = Mark::parse_id(payload) else { return };
        match &self.mode {
            Mode::Fetching(_) => self.on_fetch_mark(now, id),
            Mode::Scanning(_) => self.on_scan_mark(now, id),
            Mode::Live(_) => self.on_probe_mark(now, id),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {}
        }
    }

    /// Answers [`Output::Request`]. Answers to outdated requests are ignored.
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

    /// Reports what has arrived on the connections, which distinguishes a slow line from a dead one.
    ///
    /// Optional. Call it after each [`Output::Request`] and [`Output::Subscribe`] that was carried out, before
    /// [`handle_reply`](Self::handle_reply), and before a [`handle_timeout`](Self::handle_timeout) that is due.
    pub fn handle_received(&mut self, received: Received) {
        if self.connections.connection == Some(received.connection) {
            self.on_received(received);
        }
    }

    /// Advances time. Call it at [`Replica::poll_timeout`]; earlier calls do no harm.
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

    /// Requests a proof of freshness as soon as possible, with a read issued after this call.
    pub fn handle_sync(&mut self, now: Duration) {
        self.sync_wanted = true;
        self.probe_if_wanted(now);
    }

    /// Requests the proof that a wait needs. If a read that was issued after the wait began is in flight, that read
    /// serves the wait too.
    pub fn handle_wait(&mut self, now: Duration, target: &Target) {
        if target.needs_proof() && !self.content.progress().has_issued_since(target) {
            self.handle_sync(now);
        }
    }

    /// Closes the replica, which then only serves reads. Inputs do nothing then. [Work](Self::has_work) is dropped.
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

    /// Starts or stops recording net changes for [`Replica::poll_change`]. A new replica records none. Stopping drops
    /// the recorded changes.
    pub fn observe_changes(&mut self, on: bool) {
        self.changes.observe(on);
    }

    /// The next output, in order, or `None` when there is none for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next recorded net change, in order, or `None` when there is none for now.
    ///
    /// Applied to the content at the start of the recording, the changes give the current content, unless the replica
    /// [has work](Self::has_work).
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.take()
    }

    /// The time of the next [`Replica::handle_timeout`], or `None` when nothing is scheduled.
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

    /// The current status of the replica.
    #[must_use]
    pub const fn status(&self) -> &ReplicaStatus {
        &self.status
    }

    /// The current progress. Other threads get it from [`Reader::progress`].
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.content.progress()
    }

    fn is_closed(&self) -> bool {
        matches!(self.mode, Mode::Closed)
    }

    /// True while the replica waits for the reply to this request.
    fn awaits(&self, id: RequestId) -> bool {
        match &self.mode {
            Mode::Fetching(fetch) => fetch.awaited() == Some(id),
            Mode::Scanning(scan) => scan.awaits(id),
            Mode::Live(live) => live.awaits(id),
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => false,
        }
    }
}
