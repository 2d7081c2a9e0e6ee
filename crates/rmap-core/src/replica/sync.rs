//! Requesting and installing a snapshot.
//!
//! The snapshot contains the notifications before the request's mark. Later notifications are held until the reply
//! arrives.

use std::time::Duration;

use rmap_proto::{Probe, Revision, Snapshot};

use super::held::Held;
use super::patience::Patience;
use super::probe::Live;
use super::rate::bytes_of;
use super::{Mode, Replica, loss};
use crate::content::Table;
use crate::output::{Disposition, Failure, Request, RequestId};
use crate::proof::Proof;
use crate::status::{Phase, Reason};

/// A snapshot in flight, or the probe that may save it.
#[derive(Debug)]
pub(super) struct Fetch {
    id: RequestId,
    asked_at: Duration,
    pub(super) patience: Patience,
    pub(super) marked: bool,
    reply: Option<Reply>,
    held: Held,
}

#[derive(Debug)]
enum Reply {
    Snapshot(Snapshot),
    /// A probe after a reconnect, which may save the snapshot of a large map.
    Probe(Probe),
}

impl Fetch {
    /// Number of bytes of the notifications held until the snapshot is installed.
    pub(super) const fn held_size(&self) -> usize {
        self.held.size()
    }

    pub(super) fn awaited(&self) -> Option<RequestId> {
        self.reply.is_none().then_some(self.id)
    }
}

impl Replica {
    /// Resyncs because content and notifications no longer fit together: at once, or when the backoff allows it.
    pub(super) fn resync(&mut self, now: Duration, reason: Reason) {
        let at = self.backoff.next_start(now, &mut self.rng);
        self.resync_at(now, at, reason);
    }

    /// Resyncs at once because the hash is gone.
    ///
    /// There is almost nothing to read, so the backoff neither delays this resync nor counts it. Otherwise a map that
    /// expires now and then would be shown for too long.
    pub(super) fn resync_gone(&mut self, now: Duration, reason: Reason) {
        self.resync_at(now, now, reason);
    }

    fn resync_at(&mut self, now: Duration, at: Duration, reason: Reason) {
        self.status.resyncs += 1;
        reason.count(&mut self.status.resyncs_by_reason);
        self.status.last_resync = Some(reason.clone());
        self.status.scan = None;
        self.status.late_since = None;
        self.set_syncing(now, reason);
        if at > now {
            self.mode = Mode::Waiting { at };
        } else if self.status.is_stored() {
            self.fetch(now);
        } else {
            self.ask_snapshot(now);
        }
    }

    /// Begins to synchronise on a new subscription.
    pub(super) fn fetch(&mut self, now: Duration) {
        if self.can_be_spared() {
            self.ask(now, Request::Probe);
        } else {
            self.ask_snapshot(now);
        }
    }

    fn ask_snapshot(&mut self, now: Duration) {
        let (max_fields, max_bytes) = (self.settings.small_fields, self.fitting(self.settings.small_bytes));
        self.ask(now, Request::Snapshot { max_fields, max_bytes });
    }

    fn ask(&mut self, now: Duration, request: Request) {
        let id = self.request(request);
        let patience = self.patience(now, self.settings.request_timeout);
        let held = Held::default();
        self.mode = Mode::Fetching(Fetch { id, asked_at: now, patience, marked: false, reply: None, held });
    }

    /// True on new connections when a large content was proven before, in this process or in the one that stored it. A
    /// probe may then show that nothing changed.
    fn can_be_spared(&self) -> bool {
        let seen_on = self.connections.server.as_ref().map(|(seen_on, _)| *seen_on);
        seen_on != self.connections.connection
            && self.proof.is_some()
            && self.content.progress().revision().is_some_and(Revision::is_unique)
            && !self.status.in_doubt
            && !self.lost.kept
            && self.refused.is_none()
            && self.is_large()
    }

    /// True when a snapshot would read the map in pages.
    pub(super) fn is_large(&self) -> bool {
        self.content.len() as u64 > self.settings.small_fields
    }

    pub(super) fn hold_for_fetch(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        let Mode::Fetching(fetch) = &mut self.mode else { return Disposition::Ignored };
        if !fetch.marked {
            return Disposition::Ignored;
        }
        if fetch.held.push(payload, &self.settings) {
            return Disposition::Held;
        }
        self.resync(now, Reason::TooMuchHeld);
        Disposition::Gap
    }

    pub(super) fn on_fetch_mark(&mut self, now: Duration, id: u64) {
        if let Mode::Fetching(fetch) = &mut self.mode
            && fetch.id.get() == id
        {
            fetch.marked = true;
            self.finish_fetch(now);
        }
    }

    pub(super) fn on_snapshot(&mut self, now: Duration, snapshot: Snapshot) {
        if let Mode::Fetching(fetch) = &self.mode {
            let bytes = snapshot.content.as_ref().map_or(0, bytes_of);
            self.measure(bytes, now.saturating_sub(fetch.asked_at));
        }
        self.on_fetch_reply(now, Reply::Snapshot(snapshot));
    }

    pub(super) fn on_fetch_probe(&mut self, now: Duration, probe: Probe) {
        if let Mode::Fetching(fetch) = &self.mode {
            let took = now.saturating_sub(fetch.asked_at);
            self.connections.note_round_trip(took);
            self.status.round_trip = Some(took);
        }
        self.on_fetch_reply(now, Reply::Probe(probe));
    }

    fn on_fetch_reply(&mut self, now: Duration, reply: Reply) {
        if let Mode::Fetching(fetch) = &mut self.mode {
            fetch.reply = Some(reply);
            fetch.patience.reply_came(now, self.connections.received, &self.settings);
            self.finish_fetch(now);
        }
    }

    /// Goes on once both the mark and the reply arrived.
    fn finish_fetch(&mut self, now: Duration) {
        let Mode::Fetching(Fetch { marked: true, reply: reply @ Some(_), id, asked_at, held, .. }) =
            &mut self.mode
        else {
            return;
        };
        let (id, asked_at, held) = (*id, *asked_at, std::mem::take(held));
        let Some(reply) = reply.take() else { return };
        self.connections.misses = 0;
        match reply {
            Reply::Snapshot(snapshot) => self.accept_snapshot(now, id, asked_at, snapshot, held),
            Reply::Probe(probe) => self.accept_spared(now, id, asked_at, &probe, held),
        }
    }

    fn accept_snapshot(
        &mut self,
        now: Duration,
        id: RequestId,
        asked_at: Duration,
        snapshot: Snapshot,
        held: Held,
    ) {
        self.note_server(&snapshot.probe);
        let Some(entries) = snapshot.content else {
            return self.begin_scan(now, snapshot.probe, held);
        };
        if self.keeps(&snapshot.probe) {
            return self.keep(now, id, &snapshot.probe, held);
        }
        let mut table = Table::new(self.content.hasher());
        for (key, value) in &entries.content {
            table.set(key, value);
        }
        self.install(&snapshot.probe, table, entries.reserved.len() as u64);
        self.go_live(now, id, asked_at, &snapshot.probe, held);
    }

    fn accept_spared(&mut self, now: Duration, id: RequestId, asked_at: Duration, probe: &Probe, held: Held) {
        match self.judge_spared(now, probe) {
            Ok(()) => {
                self.note_server(probe);
                self.take_restored();
                self.doubt_spared();
                self.go_live(now, id, asked_at, probe, held);
            }
            Err(why) => {
                self.refuse_restored(why);
                self.ask_snapshot(now);
            }
        }
    }

    /// Revision and field count that a probe shows if nothing was lost.
    pub(super) fn expected(&self) -> (Option<Revision>, u64) {
        (self.content.progress().revision(), self.content.len() as u64 + self.reserved)
    }

    /// Installs a content that was read from the server, and emits the net difference.
    pub(super) fn install(&mut self, probe: &Probe, table: Table, reserved: u64) {
        self.replace_restored(false);
        let revision = probe.revision;
        let local = self.content.progress().revision();
        let broken = local.is_some() && revision < local;
        if broken {
            loss::of_snapshot(local, revision, self.content.len(), table.len());
        }
        let cleared = self.was_cleared(probe);
        if !broken && !probe.cleared && self.content.len() > 0 && !self.content.shares_a_key(&table) {
            loss::of_all_keys(self.content.len(), table.len());
        }
        self.replace_content(table, cleared, |progress| {
            progress.jump(revision);
            if broken {
                progress.break_history();
            }
        });
        self.reserved = reserved;
        self.found();
        self.trust();
    }

    /// True when a reset that was not emitted yet produced the probe's content, or when the hash is gone.
    ///
    /// A write after the reset hides the reset, and then the difference alone is emitted.
    fn was_cleared(&mut self, probe: &Probe) -> bool {
        let local = self.content.progress().revision();
        let Some(revision) = probe.revision else { return local.is_some() };
        // At the first join no reset concerns anybody yet.
        let joined = local.is_some() || self.joined;
        probe.cleared && joined && Some(revision) > local && self.changes.is_first_reset(revision)
    }

    /// Enters the live mode and applies the held notifications.
    pub(super) fn go_live(
        &mut self,
        now: Duration,
        id: RequestId,
        asked_at: Duration,
        probe: &Probe,
        held: Held,
    ) {
        self.status.scan = None;
        self.status.late_since = None;
        self.mode = Mode::Live(Live::new(self.next_probe(now, probe)));
        self.backoff.settled(now);
        self.on_proof(id, asked_at, probe);
        self.set_phase(now, Phase::Live, Reason::InStep);
        self.plan_pass(now);
        self.replay(now, held);
        self.probe_if_wanted(now);
    }

    /// Applies held notifications. If one of them leads to a resync, the rest is dropped.
    pub(super) fn replay(&mut self, now: Duration, held: Held) {
        for payload in held.into_payloads() {
            if matches!(self.mode, Mode::Live(_)) {
                self.on_live_notification(now, &payload);
            }
        }
    }

    /// Records that a request issued at `asked_at` proved the content to be the server's.
    pub(super) fn on_proof(&mut self, id: RequestId, asked_at: Duration, probe: &Probe) {
        (self.connections.misses, self.connections.given_up) = (0, 0);
        self.joined = true;
        self.proof = Proof::of(probe);
        self.status.fresh_at = self.status.fresh_at.max(Some(asked_at));
        self.content.update_progress(|progress| progress.prove(id.get()));
        self.notify_status();
    }

    /// Handles a snapshot or page whose mark or reply did not arrive in time.
    pub(super) fn on_no_answer(&mut self, now: Duration) {
        if self.is_lost(now) && self.may_ask_again(now) {
            self.resync(now, Reason::NoAnswer);
        }
    }

    pub(super) fn on_failure(&mut self, now: Duration, id: RequestId, failure: Failure) {
        if matches!(self.mode, Mode::Live(_)) {
            return self.on_live_failure(now, id, failure);
        }
        self.on_scan_failure(id);
        self.resync(now, Reason::Failed(failure));
    }
}
