//! Keeping the content when the server has lost the hash.
//!
//! The replica stays in the live mode, so that it goes on to probe and hears of the write that makes a hash. Its content
//! has no counterpart at the server meanwhile, so no probe proves it and no notification but a whole one applies to it.

use std::time::Duration;

use rmap_proto::Probe;

use super::held::Held;
use super::probe::Live;
use super::{Mode, Replica, loss};
use crate::output::RequestId;
use crate::settings::WhenLost;
use crate::status::{Phase, Reason};

/// The knowledge of a replica about a lost hash.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// True while the content is kept, across reconnects.
    pub(super) kept: bool,
    /// True once the program wants the replica to follow this loss.
    follow: bool,
}

impl Replica {
    /// Follows the server although it has lost the hash, if the content is [kept](crate::WhenLost::Keep): the content is
    /// empty soon, unless a write makes a hash first. It concerns this loss alone. Otherwise the call does nothing.
    pub fn handle_follow(&mut self, now: Duration) {
        if !self.lost.kept || self.is_closed() {
            return;
        }
        self.lost.follow = true;
        if matches!(self.mode, Mode::Live(_)) {
            self.resync_gone(now, Reason::Lost);
        }
    }

    /// True when a snapshot with this probe is to be kept out, because there is no hash.
    pub(super) fn keeps(&self, probe: &Probe) -> bool {
        let keep = match self.settings.when_lost {
            WhenLost::Follow => false,
            WhenLost::Keep => !self.lost.follow,
        };
        keep && probe.revision.is_none() && self.content.len() > 0
    }

    /// Serves the content on, after a snapshot that found no hash.
    pub(super) fn keep(&mut self, now: Duration, id: RequestId, probe: &Probe, held: Held) {
        if !std::mem::replace(&mut self.lost.kept, true) {
            loss::of_kept(self.content.len());
            self.content.update_progress(crate::progress::Progress::break_history);
        }
        self.trust();
        self.status.scan = None;
        self.mode = Mode::Live(Live::new(self.next_probe(now, probe)));
        self.backoff.settled(now);
        self.still_lost(id);
        self.set_phase(now, Phase::Kept, Reason::Lost);
        self.plan_pass(now);
        self.replay(now, held);
        self.probe_if_wanted(now);
    }

    /// Handles a probe of a kept content that found no hash, either.
    pub(super) fn on_lost_probe(&mut self, now: Duration, id: RequestId, probe: &Probe) {
        self.still_lost(id);
        let next = self.next_probe(now, probe);
        if let Mode::Live(live) = &mut self.mode {
            live.set_next_probe(next);
        }
        self.probe_if_wanted(now);
    }

    /// No wait that began before this request can be fulfilled by the kept content.
    fn still_lost(&mut self, id: RequestId) {
        (self.connections.misses, self.connections.given_up) = (0, 0);
        self.status.late_since = None;
        self.status.fresh_at = None;
        self.content.update_progress(|progress| progress.lose(id.get()));
        self.notify_status();
    }

    /// There is a hash again, or the loss is followed.
    pub(super) fn found(&mut self) {
        self.lost = Lost::default();
    }
}
