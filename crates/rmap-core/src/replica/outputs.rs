//! Outputs of a replica for its driver.

use std::num::NonZeroU64;
use std::time::Duration;

use super::Replica;
use crate::output::{EventKind, Output, Request, RequestId};
use crate::status::{Phase, Reason};

impl Replica {
    /// Issues a request. Waits count requests that can prove freshness.
    pub(super) fn request(&mut self, request: Request) -> RequestId {
        self.last_request += 1;
        let id = RequestId::new(NonZeroU64::MIN.saturating_add(self.last_request - 1));
        if !matches!(request, Request::Page { .. }) {
            self.sync_wanted = false;
            self.content.update_progress(|progress| progress.issue(id.get()));
        }
        self.outputs.push_back(Output::Request { id, request });
        id
    }

    pub(super) fn set_phase(&mut self, now: Duration, phase: Phase, reason: Reason) {
        if self.status.phase != phase {
            tracing::info!(from = %self.status.phase, to = %phase, %reason, "the phase changed");
            self.status.phase = phase;
            self.status.since = now;
        }
        self.status.reason = reason;
        self.notify_status();
    }

    pub(super) fn notify_status(&mut self) {
        self.status.revision = self.content.progress().revision();
        if self.outputs.back() != Some(&Output::StatusChanged) {
            self.outputs.push_back(Output::StatusChanged);
        }
    }

    pub(super) fn emit_changed(&mut self, kind: EventKind) {
        self.status.revision = self.content.progress().revision();
        if let Some(Output::Changed(last)) = self.outputs.back_mut() {
            *last = kind.max(*last);
        } else {
            self.outputs.push_back(Output::Changed(kind));
        }
    }
}
