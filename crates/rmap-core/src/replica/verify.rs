//! When the content is read again while live, and what becomes of it: after a reconnect that skipped the snapshot, after a
//! whole snapshot that may be forged, on a setting, and on request.

use std::collections::VecDeque;
use std::time::Duration;

use rmap_proto::{Page, Revision};

use super::pass::{Found, Pace, Pass, Step};
use super::probe::Live;
use super::rate::{PAGE_BYTES, bytes_of, next_count};
use super::{Mode, Replica};
use crate::backoff::{Backoff, jittered};
use crate::config::Config;
use crate::output::{Failure, Request, RequestId, Verified};
use crate::status::Reason;

/// After a page the replica waits so many times as long as the page took: the server spends 1 % of a core on it.
const PAUSE: u32 = 99;

/// The longest pause. A page that seems to have taken longer was held up elsewhere, or the process was stopped meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A server needs at least about this long for a page, for each of its fields, and for 1,000 bytes of them. It counts where
/// the time that the page took is not longer: that is measured on a line, together with others' requests.
const PAGE_COST: Duration = Duration::from_micros(20);
const FIELD_COST: Duration = Duration::from_micros(1);
const KILOBYTE_COST: Duration = Duration::from_micros(1);

/// A page that takes longer is followed by a smaller one: on a slow line it would delay the answers behind it.
const LONG_PAGE: Duration = Duration::from_millis(50);

/// What is known and planned about verifications.
#[derive(Debug)]
pub(super) struct Verifying {
    /// Somebody waits for an outcome.
    wanted: bool,
    /// When the next pass begins, while live.
    due: Option<Duration>,
    doubt: Option<Doubt>,
    /// The last pass found something: one more sees whether that was all.
    follows_up: bool,
    /// Spaces out the passes that whole snapshots cause: such a notification has a few bytes, a pass reads the map.
    pauses: Backoff,
    outcomes: VecDeque<Result<Verified, Failure>>,
}

/// Why the content may differ from the server's although revision and number of fields agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// A snapshot was skipped. The hash may have been replaced by a copy and written to meanwhile.
    Spared,
    /// A whole snapshot came at or below this revision.
    ///
    /// That may be a new life of the hash that began below the old one's end, or a repetition, or somebody's forgery: the
    /// notifications of writes lead to revisions above the local one, so only this way does a forgery end where the server
    /// is. What follows it up to this revision may be forged as well. Until a verification, probes prove nothing.
    Whole { floor: Revision },
}

impl Verifying {
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            wanted: false,
            due: None,
            doubt: None,
            follows_up: false,
            pauses: Backoff::new(config.resync_min, config.resync_max),
            outcomes: VecDeque::new(),
        }
    }

    /// True when revision and number of fields say enough of the content.
    pub(super) const fn lets_probes_prove(&self) -> bool {
        match self.doubt {
            None | Some(Doubt::Spared) => true,
            Some(Doubt::Whole { .. }) => false,
        }
    }
}

impl Replica {
    /// Reads the hash again as soon as possible, at full speed, and compares every entry with the content; the outcome comes
    /// by [`poll_verified`](Self::poll_verified). What differs is put right, and emitted as events and changes.
    ///
    /// Notifications are applied meanwhile. A resync or a disconnect lets it begin again afterwards, however often, and so
    /// does another call before the outcome is there; then there is one outcome for both.
    pub fn handle_verify(&mut self, now: Duration) {
        self.verifying.wanted = true;
        self.verifying.due = Some(now);
        if let Mode::Live(live) = &mut self.mode {
            live.pass = None;
        }
    }

    /// The outcome of a verification that [`handle_verify`](Self::handle_verify) asked for; `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// [`Failure::Refused`] when the server does not let its hash be read in pages.
    pub fn poll_verified(&mut self) -> Option<Result<Verified, Failure>> {
        self.verifying.outcomes.pop_front()
    }

    /// The content was read from the server as a whole.
    pub(super) fn trust(&mut self) {
        self.set_doubt(None);
    }

    pub(super) fn doubt_spared(&mut self) {
        self.set_doubt(Some(Doubt::Spared));
    }

    /// A whole snapshot is about to come after this revision was seen.
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
            // The content that is shown was never proven.
            self.status.fresh_at = None;
        }
        if self.status.in_doubt != doubt.is_some() {
            self.status.in_doubt = doubt.is_some();
            self.tell_status();
        }
    }

    /// A notification said what the whole content is, from this revision on, where another one was local.
    pub(super) fn on_whole(&mut self, now: Duration, first: Revision, local: Option<Revision>) {
        let floor = match self.verifying.doubt {
            Some(Doubt::Whole { floor }) => Some(floor).max(local),
            Some(Doubt::Spared) | None => local,
        };
        let doubtful = floor.filter(|&floor| first <= floor);
        self.set_doubt(doubtful.map(|floor| Doubt::Whole { floor }));
        self.plan_pass(now);
        if doubtful.is_some() && !self.verifying.wanted {
            self.verifying.due = Some(self.verifying.pauses.next_start(now, &mut self.rng));
        }
    }

    /// Content and notifications fit together: a pass that went on is needless, and the next has its time.
    pub(super) fn plan_pass(&mut self, now: Duration) {
        if let Mode::Live(live) = &mut self.mode {
            live.pass = None;
        }
        let needed = self.verifying.wanted || self.verifying.doubt.is_some();
        self.verifying.due = if needed { Some(now) } else { self.next_pass(now) };
    }

    fn next_pass(&mut self, began: Duration) -> Option<Duration> {
        let interval = self.config.verify_interval?;
        Some(began + interval.mul_f64(0.8 + 0.2 * self.rng.f64()))
    }

    pub(super) fn live_deadline(&self, live: &Live) -> Duration {
        let probe = live.probe_deadline();
        let verify = live.pass.as_ref().map_or(self.verifying.due, |pass| pass.due());
        verify.map_or(probe, |verify| verify.min(probe))
    }

    /// To be called before a notification changes a key.
    pub(super) fn touch(&mut self, key: &[u8]) {
        if let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode {
            pass.touch(&self.content, key);
        }
    }

    /// Begins a pass that is due, or asks for the page that is.
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

    fn begin_pass(&mut self, now: Duration) {
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

    /// Revision and number of fields agree, as a probe shows that was asked for at that time.
    pub(super) fn pass_agrees(&mut self, now: Duration, id: RequestId, asked_at: Duration) {
        let Mode::Live(Live { pass: Some(pass), .. }) = &mut self.mode else { return };
        match pass.on_agreement(id, asked_at, self.config.request_timeout) {
            Step::Wait => {}
            Step::Read => self.ask_verify_page(now),
            Step::End => self.end_pass(now),
        }
    }

    pub(super) fn on_verify_page(&mut self, now: Duration, id: RequestId, page: Page) {
        let (most, fitting) = (self.config.page_fields, self.fitting(PAGE_BYTES));
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

    /// Mends what the pass found, or resyncs where that is too much.
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
            self.tell_status();
        }
        if std::mem::take(&mut self.verifying.wanted) {
            self.verifying.outcomes.push_back(Ok(Verified { revision, compared, differing, complete }));
        }
        let Some(revision) = revision.filter(|_| complete) else {
            // Without a hash there is nothing to compare, or what differs is too much to be put right here.
            return if complete {
                self.end_well(now, began, rest)
            } else {
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

    /// The content is the server's. The next pass does not come before the last page and the two probes are paid for.
    fn end_well(&mut self, now: Duration, began: Duration, rest: Duration) {
        self.trust();
        self.verifying.pauses.settled(now);
        let earliest = now.saturating_add(rest).saturating_add(PAUSE * 2 * PAGE_COST);
        self.verifying.due = self.next_pass(began).map(|next| next.max(earliest));
    }

    /// The answer to a page or a probe of a live replica did not come, or was a refusal.
    pub(super) fn on_live_failure(&mut self, now: Duration, id: RequestId, failure: Failure) {
        let Mode::Live(live) = &mut self.mode else { return };
        if !live.pass.as_ref().is_some_and(|pass| pass.awaits(id)) || !self.verifying.lets_probes_prove() {
            return self.resync(now, Reason::Failed(failure));
        }
        live.pass = None;
        self.verifying.due = Some(now + jittered(self.config.probe_interval, &mut self.rng));
        match failure {
            Failure::Refused(_) if std::mem::take(&mut self.verifying.wanted) => {
                self.verifying.outcomes.push_back(Err(failure));
            }
            Failure::Refused(_) | Failure::Unavailable(_) => {}
        }
    }
}

/// What a page costs a server at least.
fn least_cost(fields: usize, bytes: u64) -> Duration {
    let times = |cost: Duration, count: u64| cost * u32::try_from(count).unwrap_or(u32::MAX);
    PAGE_COST + times(FIELD_COST, fields as u64) + times(KILOBYTE_COST, bytes / 1000)
}
