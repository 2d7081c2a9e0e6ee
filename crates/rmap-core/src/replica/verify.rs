//! Verifications: when a live replica compares its content with the hash, and what it does with the result. A
//! verification follows a reconnect that skipped the snapshot, a notification that may be forged, the setting, or a
//! user's request.

use std::collections::VecDeque;
use std::time::Duration;

use rmap_proto::{Page, Revision};

use super::pass::{Found, Pace, Pass, Step};
use super::probe::Live;
use super::rate::{PAGE_BYTES, bytes_of, next_count};
use super::{Mode, Replica};
use crate::backoff::{Backoff, jittered};
use crate::output::{Failure, Request, RequestId, Verified};
use crate::settings::ReplicaSettings;
use crate::status::Reason;

/// Length of the pause after a page, in multiples of the page's time. With 99 the server spends 1 % of a core.
const PAUSE: u32 = 99;

/// Longest pause. A page that seems to take longer was held up elsewhere, or the process was stopped meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Least cost of a page for the server, of each of its fields, and of each 1,000 bytes. It counts where the measured
/// time is shorter: that time belongs to a line, shared with other requests.
const PAGE_COST: Duration = Duration::from_micros(20);
const FIELD_COST: Duration = Duration::from_micros(1);
const KILOBYTE_COST: Duration = Duration::from_micros(1);

/// Longest time of a page before the next page shrinks. On a slow line a large page delays the answers behind it.
const LONG_PAGE: Duration = Duration::from_millis(50);

/// State and schedule of verifications.
#[derive(Debug)]
pub(super) struct Verifying {
    /// True while a user waits for an outcome.
    wanted: bool,
    /// Start of the next pass, while live.
    due: Option<Duration>,
    doubt: Option<Doubt>,
    /// True when the last pass found differences. One more pass then checks that those were all.
    follows_up: bool,
    /// Spaces out the passes that doubtful notifications cause: a notification has a few bytes, and a pass reads the map.
    pauses: Backoff,
    outcomes: VecDeque<Result<Verified, Failure>>,
}

/// A reason why the content may differ from the server's although revision and field count agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// A snapshot was skipped. The hash may have been replaced by a copy and changed meanwhile.
    Spared,
    /// The content was stored, and no server has confirmed it yet.
    Restored,
    /// A notification replaced the whole content at or below this revision.
    ///
    /// That may be a new life of the hash that began below the end of the old life, a repetition, or a forgery. Only in
    /// this way can a forgery end at the server's revision, because notifications of writes lead to revisions above the
    /// local one. Notifications after it, up to this revision, may be forged as well. Probes prove nothing until a
    /// verification has passed.
    Whole { floor: Revision },
}

impl Verifying {
    pub(super) const fn new(settings: &ReplicaSettings) -> Self {
        Self {
            wanted: false,
            due: None,
            doubt: None,
            follows_up: false,
            pauses: Backoff::new(settings.resync_min, settings.resync_max),
            outcomes: VecDeque::new(),
        }
    }

    /// True when equal revisions and field counts prove the content.
    pub(super) const fn lets_probes_prove(&self) -> bool {
        match self.doubt {
            None | Some(Doubt::Spared) => true,
            Some(Doubt::Restored | Doubt::Whole { .. }) => false,
        }
    }
}

impl Replica {
    /// Requests a verification: the replica reads the hash as soon as possible, without pauses, and compares every
    /// entry with the content. It corrects the differing entries and emits them as events and changes.
    /// [`poll_verified`](Self::poll_verified) returns the outcome.
    ///
    /// The replica applies notifications meanwhile. After a resync or a disconnect the verification starts over,
    /// however often. A second call before the outcome also starts it over, and both calls share one outcome.
    pub fn handle_verify(&mut self, now: Duration) {
        self.verifying.wanted = true;
        self.verifying.due = Some(now);
        if let Mode::Live(live) = &mut self.mode {
            live.pass = None;
        }
    }

    /// The outcome of a verification that [`handle_verify`](Self::handle_verify) requested, or `None` while there is
    /// none.
    ///
    /// # Errors
    ///
    /// [`Failure::Refused`] when the server does not allow to read its hash in pages.
    pub fn poll_verified(&mut self) -> Option<Result<Verified, Failure>> {
        self.verifying.outcomes.pop_front()
    }

    /// Trusts the content again, after it was read from the server as a whole.
    pub(super) fn trust(&mut self) {
        self.set_doubt(None);
    }

    pub(super) fn doubt_spared(&mut self) {
        self.set_doubt(Some(Doubt::Spared));
    }

    pub(super) fn doubt_restored(&mut self) {
        self.set_doubt(Some(Doubt::Restored));
    }

    /// Doubts the content because a notification is about to replace it after this revision was seen.
    pub(super) fn doubt_below(&mut self, floor: Option<Revision>) {
        if let Some(floor) = floor {
            self.set_doubt(Some(Doubt::Whole { floor }));
        }
    }

    fn set_doubt(&mut self, doubt: Option<Doubt>) {
        let proved = self.verifying.lets_probes_prove();
        self.verifying.doubt = doubt;
        self.verifying.follows_up = false;
        let proves = self.verifying.lets_probes_prove();
        if proved != proves {
            self.content.update_progress(|progress| progress.doubt(!proves));
        }
        if !proves {
            // No proof covers the content that the notification brought.
            self.status.fresh_at = None;
            self.proof = None;
        }
        let in_doubt = doubt.is_some_and(|doubt| doubt != Doubt::Restored);
        if self.status.in_doubt != in_doubt {
            self.status.in_doubt = in_doubt;
            self.notify_status();
        }
    }

    /// Handles a notification that determines the whole content from the revision `first` on, while the local revision
    /// was `local`.
    pub(super) fn on_whole(&mut self, now: Duration, first: Revision, local: Option<Revision>) {
        let floor = match self.verifying.doubt {
            Some(Doubt::Whole { floor }) => Some(floor).max(local),
            Some(Doubt::Spared | Doubt::Restored) | None => local,
        };
        let doubtful = floor.filter(|&floor| first <= floor);
        self.set_doubt(doubtful.map(|floor| Doubt::Whole { floor }));
        self.plan_pass(now);
        if doubtful.is_some() && !self.verifying.wanted {
            self.verifying.due = Some(self.verifying.pauses.next_start(now, &mut self.rng));
        }
    }

    /// Plans the next pass when the replica is in step again. A pass in progress is not needed any more.
    pub(super) fn plan_pass(&mut self, now: Duration) {
        if let Mode::Live(live) = &mut self.mode {
            live.pass = None;
        }
        let needed = self.verifying.wanted || self.verifying.doubt.is_some();
        self.verifying.due = if needed { Some(now) } else { self.next_pass(now) };
    }

    fn next_pass(&mut self, began: Duration) -> Option<Duration> {
        let interval = self.settings.verify_interval?;
        Some(began + interval.mul_f64(0.8 + 0.2 * self.rng.f64()))
    }

    pub(super) fn live_deadline(&self, live: &Live) -> Duration {
        let probe = live.probe_deadline();
        let verify = live.pass.as_ref().map_or(self.verifying.due, |pass| pass.due());
        verify.map_or(probe, |verify| verify.min(probe))
    }

    /// Notes that a notification is about to change a key.
    pub(super) fn touch(&mut self, key: &[u8]) {
        if let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode {
            pass.touch(&self.content, key);
        }
    }

    /// Begins a pass that is due, or requests a page that is due.
    pub(super) fn go_on_verifying(&mut self, now: Duration) {
        let Mode::Live(live) = &mut self.mode else { return };
        let Some(pass) = &live.pass else {
            if self.verifying.due.is_some_and(|due| due <= now) {
                self.begin_pass(now);
            }
            return;
        };
        if pass.due().is_some_and(|due| due <= now) {
            self.ask_verify_page(now);
        }
    }

    /// A kept content has no hash to be compared with.
    fn refuse_pass(&mut self) {
        self.verifying.due = None;
        if std::mem::take(&mut self.verifying.wanted) {
            self.verifying.outcomes.push_back(Err(Failure::Refused(Reason::Lost.to_string())));
        }
    }

    fn begin_pass(&mut self, now: Duration) {
        if self.lost.kept {
            return self.refuse_pass();
        }
        let wanted = self.verifying.wanted;
        let pace = if wanted || !self.verifying.lets_probes_prove() { Pace::Fast } else { Pace::Slow };
        if let Mode::Live(live) = &mut self.mode {
            live.pass = Some(Box::new(Pass::new(pace, now, self.last_request, wanted)));
            self.probe_if_wanted(now);
        }
    }

    fn ask_verify_page(&mut self, now: Duration) {
        let Mode::Live(Live { pass: Some(pass), .. }) = &self.mode else { return };
        let (cursor, count) = pass.next_page();
        let id = self.request(Request::Page { cursor, count });
        if let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode {
            pass.asked(id, now);
        }
    }

    /// Handles the agreement of a probe issued at `asked_at`: revision and field count are equal.
    pub(super) fn pass_agrees(&mut self, now: Duration, id: RequestId, asked_at: Duration) {
        let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode else { return };
        match pass.on_agreement(id, asked_at, self.settings.request_timeout) {
            Step::Wait => {}
            Step::Read => self.ask_verify_page(now),
            Step::End => self.end_pass(now),
        }
    }

    pub(super) fn on_verify_page(&mut self, now: Duration, id: RequestId, page: Page) {
        let (most, fitting) = (self.settings.page_fields, self.fitting(PAGE_BYTES));
        let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode else { return };
        if !pass.awaits(id) {
            return;
        }
        let bytes = bytes_of(&page.entries);
        let fields = page.entries.content.len() + page.entries.reserved.len();
        let (_, count) = pass.next_page();
        let count = next_count(count, bytes, fitting, most);
        let asked_at = pass.on_page(&self.content, page.entries, (page.cursor, count), self.last_request);
        let took =
            now.saturating_sub(asked_at).saturating_sub(self.connections.round_trip.unwrap_or_default());
        pass.shrink(took.as_micros() / LONG_PAGE.as_micros());
        let pause = took.max(least_cost(fields, bytes)).saturating_mul(PAUSE).min(LONGEST_PAUSE);
        match (pass.goes_on(), pass.pace) {
            (true, Pace::Fast) => self.ask_verify_page(now),
            (true, Pace::Slow) => pass.pause(now.saturating_add(pause)),
            (false, Pace::Fast | Pace::Slow) => {
                pass.rest = pause;
                self.probe_if_wanted(now);
            }
        }
    }

    /// Corrects what the pass found, or resyncs if that is too much.
    fn end_pass(&mut self, now: Duration) {
        let Mode::Live(live) = &mut self.mode else { return };
        let Some(pass) = live.pass.take() else { return };
        let (began, rest) = (pass.began, pass.rest);
        let found = pass.judge(&self.content);
        let revision = self.content.progress().revision();
        let Found { compared, differing, edits, reserved, complete } = found;
        let differed = differing.len() as u64;
        if differed > 0 || !complete {
            tracing::warn!(
                compared,
                differed,
                complete,
                "the content differed from the server's at its revision"
            );
            self.status.differed += differed;
            self.notify_status();
        }
        if std::mem::take(&mut self.verifying.wanted) {
            self.verifying.outcomes.push_back(Ok(Verified { revision, compared, differing, complete }));
        }
        let Some(revision) = revision.filter(|_| complete) else {
            // Without a hash there is nothing to correct. With too many differences only a resync helps.
            return if complete {
                self.end_well(now, began, rest)
            } else {
                // It is known to differ, whatever the next probe shows.
                self.proof = None;
                self.status.fresh_at = None;
                self.resync(now, Reason::Differs)
            };
        };
        if !edits.is_empty() {
            self.apply_edits(revision, &edits);
        }
        self.reserved = reserved;
        let again = differed > 0 && !self.verifying.follows_up;
        self.end_well(now, began, rest);
        if again {
            self.verifying.follows_up = true;
            self.verifying.due = Some(now.saturating_add(rest));
        }
    }

    /// Notes that the content is the server's. The next pass waits until the last page and the two probes are paid for.
    fn end_well(&mut self, now: Duration, began: Duration, rest: Duration) {
        self.trust();
        self.verifying.pauses.settled(now);
        let earliest = now.saturating_add(rest).saturating_add(PAUSE * 2 * PAGE_COST);
        self.verifying.due = self.next_pass(began).map(|next| next.max(earliest));
    }

    /// Handles a failed page or probe of a live replica.
    pub(super) fn on_live_failure(&mut self, now: Duration, id: RequestId, failure: Failure) {
        let Mode::Live(live) = &mut self.mode else { return };
        if !live.pass.as_ref().is_some_and(|pass| pass.awaits(id)) || !self.verifying.lets_probes_prove() {
            return self.resync(now, Reason::Failed(failure));
        }
        live.pass = None;
        self.verifying.due = Some(now + jittered(self.settings.probe_interval, &mut self.rng));
        match failure {
            Failure::Refused(_) if std::mem::take(&mut self.verifying.wanted) => {
                self.verifying.outcomes.push_back(Err(failure));
            }
            Failure::Refused(_) | Failure::Unavailable(_) => {}
        }
    }
}

/// Least cost of a page for the server.
fn least_cost(fields: usize, bytes: u64) -> Duration {
    let times = |cost: Duration, count: u64| cost * u32::try_from(count).unwrap_or(u32::MAX);
    PAGE_COST + times(FIELD_COST, fields as u64) + times(KILOBYTE_COST, bytes / 1000)
}
