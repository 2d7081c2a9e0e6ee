//! Probes: the periodic comparison with the server that finds silent loss.

use std::time::Duration;

use rmap_proto::{Probe, Revision};

use super::pass::Pass;
use super::patience::Patience;
use super::{Mode, PartialBatch, Replica};
use crate::output::{Request, RequestId};
use crate::status::Reason;

/// Delay of a probe after the expected expiry of the hash.
const PAST_EXPIRY: Duration = Duration::from_millis(2);

/// The work of a replica that is in step, besides applying notifications.
#[derive(Debug)]
pub(super) struct Live {
    /// The notifications so far of an incomplete batch.
    pub(super) batch: Option<PartialBatch>,
    probe: Option<InFlight>,
    next_probe: Duration,
    /// Expected expiry of the hash, after changes that no probe has seen.
    expiry: Option<Duration>,
    /// The verification in progress.
    pub(super) pass: Option<Box<Pass>>,
}

#[derive(Debug)]
struct InFlight {
    id: RequestId,
    asked_at: Duration,
    patience: Patience,
    /// Local revision and number of fields when the mark arrived.
    local: Option<(Option<Revision>, u64)>,
    reply: Option<Probe>,
}

impl Live {
    pub(super) const fn new(next_probe: Duration) -> Self {
        Self { batch: None, probe: None, next_probe, expiry: None, pass: None }
    }

    pub(super) const fn set_next_probe(&mut self, at: Duration) {
        self.next_probe = at;
    }

    pub(super) fn probe_deadline(&self) -> Duration {
        let next = self.expiry.map_or(self.next_probe, |expiry| expiry.min(self.next_probe));
        self.probe.as_ref().map_or(next, |probe| probe.patience.deadline)
    }

    /// True while the replica waits for the reply to this request.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.reply.is_none() && probe.id == id)
            || self.pass.as_ref().is_some_and(|pass| pass.awaits(id))
    }

    /// The wait for the probe in flight, and whether its mark has arrived.
    pub(super) fn patience(&mut self) -> Option<(&mut Patience, bool)> {
        self.probe.as_mut().map(|probe| (&mut probe.patience, probe.local.is_some()))
    }
}

impl Replica {
    /// The time of the next probe: within the interval, or when the hash should have expired.
    pub(super) fn next_probe(&mut self, now: Duration, probe: &Probe) -> Duration {
        let regular = self.settings.probe_interval.mul_f64(0.8 + 0.2 * self.rng.f64());
        let expiry = probe.ttl.map(|ttl| ttl.saturating_add(PAST_EXPIRY).max(self.settings.probe_floor));
        now + expiry.map_or(regular, |expiry| expiry.min(regular))
    }

    /// Plans a probe after a change. If the map's handles set a time to live, the hash may be gone after it, and only
    /// the server knows.
    pub(super) fn expect_expiry(&mut self, now: Duration) {
        let Some(ttl) = self.settings.expires_after else { return };
        let earliest = self.status.fresh_at.map_or(now, |fresh_at| fresh_at + self.settings.probe_floor);
        if let Mode::Live(live) = &mut self.mode {
            live.expiry.get_or_insert_with(|| (now + ttl + PAST_EXPIRY).max(earliest));
        }
    }

    /// Probes now if a proof is wanted and no probe is in flight.
    pub(super) fn probe_if_wanted(&mut self, now: Duration) {
        if let Mode::Live(live) = &self.mode
            && (self.sync_wanted || live.pass.as_ref().is_some_and(|pass| pass.wants_probe()))
            && live.probe.is_none()
        {
            self.ask_probe(now);
        }
    }

    fn ask_probe(&mut self, now: Duration) {
        let id = self.request(Request::Probe);
        let patience = self.patience(now, self.settings.request_timeout);
        if let Mode::Live(live) = &mut self.mode {
            live.probe = Some(InFlight { id, asked_at: now, patience, local: None, reply: None });
        }
    }

    /// Handles a probe that is due, or one that was not answered in time.
    pub(super) fn on_live_timeout(&mut self, now: Duration) {
        self.go_on_verifying(now);
        let Mode::Live(live) = &self.mode else { return };
        if now < live.probe_deadline() {
            return;
        }
        if live.probe.is_none() || self.is_lost(now) && self.may_ask_again(now) {
            self.ask_probe(now);
        }
    }

    pub(super) fn on_probe_mark(&mut self, now: Duration, id: u64) {
        let expected = self.expected();
        if let Mode::Live(live) = &mut self.mode
            && let Some(probe) = &mut live.probe
            && probe.id.get() == id
        {
            probe.local = Some(expected);
            live.expiry = None;
            if let Some(pass) = &mut live.pass {
                pass.on_mark(&self.content, probe.id, expected.1);
            }
            self.judge_probe(now);
        }
    }

    pub(super) fn on_probe(&mut self, now: Duration, reply: Probe) {
        match &mut self.mode {
            Mode::Fetching(_) => self.on_fetch_probe(now, reply),
            Mode::Scanning(_) => self.on_scan_probe(now, reply),
            Mode::Live(live) => {
                if let Some(probe) = &mut live.probe {
                    let took = now.saturating_sub(probe.asked_at);
                    self.connections.note_round_trip(took);
                    self.status.round_trip = Some(took);
                    probe.reply = Some(reply);
                    probe.patience.reply_came(now, self.connections.received, &self.settings);
                    self.judge_probe(now);
                }
            }
            Mode::Detached | Mode::Subscribing { .. } | Mode::Waiting { .. } | Mode::Closed => {}
        }
    }

    /// Decides a probe once its mark and reply have arrived: the content is proven, or something was lost.
    fn judge_probe(&mut self, now: Duration) {
        let Mode::Live(live) = &mut self.mode else { return };
        let Some(InFlight { id, asked_at, local: Some(local), reply: Some(reply), .. }) = &mut live.probe
        else {
            return;
        };
        let (id, asked_at, local, reply) = (*id, *asked_at, *local, reply.clone());
        live.probe = None;
        self.status.late_since = None;
        self.note_server(&reply);
        if self.lost.kept && reply.revision.is_none() {
            return self.on_lost_probe(now, id, &reply);
        }
        if self.lost.kept || (reply.revision, reply.fields) != local {
            let reason = Reason::Mismatch { local: local.0, server: reply.revision };
            if reply.revision.is_none() {
                self.resync_gone(now, reason);
            } else {
                self.resync(now, reason);
            }
        } else {
            self.on_agreement(now, id, asked_at, &reply);
        }
    }

    fn on_agreement(&mut self, now: Duration, id: RequestId, asked_at: Duration, reply: &Probe) {
        self.connections.misses = 0;
        self.pass_agrees(now, id, asked_at);
        let next = self.next_probe(now, reply);
        // The end of the verification may have begun a resync.
        let Mode::Live(live) = &mut self.mode else { return };
        live.next_probe = next;
        if self.verifying.lets_probes_prove() {
            self.on_proof(id, asked_at, reply);
        }
        self.probe_if_wanted(now);
    }
}
