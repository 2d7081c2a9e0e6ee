//! How long an answer is waited for.
//!
//! A reply that is on its way on a slow line must not be asked for again: the second one would come behind the first. A
//! driver can tell what has arrived on its connections. While they show life the wait is prolonged, in steps that
//! double. Without such news an answer that is late counts as lost.

use std::time::Duration;

use super::{Mode, Replica};
use crate::config::Config;
use crate::received::Received;
use crate::status::Reason;

/// By how many doublings the longest step grows at most.
const MOST_DOUBLINGS: u32 = 4;

/// The wait for one answer.
#[derive(Debug)]
pub(super) struct Patience {
    asked_at: Duration,
    step: Duration,
    pub(super) deadline: Duration,
    /// What had arrived when the step began, as first heard then.
    before: Option<Received>,
    /// How many PINGs had been sent when the reply came; `None` while the reply is out.
    replied: Option<u64>,
}

/// What an answer that is late means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    /// It moves, or something before it does: the steps begin again with the shortest.
    Moves,
    /// The connections live, but nothing of it is seen.
    Waits,
    /// It will not come.
    Lost,
}

impl Patience {
    /// The reply is there, and only the mark is missing. It was published before, so it comes soon or never.
    pub(super) fn reply_came(&mut self, now: Duration, received: Option<Received>, config: &Config) {
        self.replied = Some(received.and_then(|received| received.pings).map_or(0, |pings| pings.sent));
        self.begin_step(now, config.request_timeout, received);
    }

    fn begin_step(&mut self, now: Duration, step: Duration, received: Option<Received>) {
        self.step = step;
        self.deadline = now + step;
        self.before = received;
    }

    /// Looks at what arrived during the step. `marked` says that the mark was among it.
    fn judge(&self, received: Option<Received>, marked: bool) -> Late {
        let Some(received) = received else { return Late::Lost };
        let rose =
            |count: fn(&Received) -> u64| self.before.is_some_and(|before| count(&received) > count(&before));
        let heard = rose(|received| received.subscriber);
        let Some(sent) = self.replied else {
            let alive = received.pings.is_some() || heard || marked;
            return match (rose(|received| received.commands), alive) {
                (true, _) => Late::Moves,
                (false, true) => Late::Waits,
                (false, false) => Late::Lost,
            };
        };
        match received.pings {
            // This answer stands behind the place of the mark.
            Some(pings) if pings.answered > sent => Late::Lost,
            Some(_) if heard => Late::Moves,
            Some(_) => Late::Waits,
            None if heard => Late::Waits,
            None => Late::Lost,
        }
    }
}

impl Replica {
    pub(super) fn on_received(&mut self, received: Received) {
        self.connections.received = Some(received);
        if let Some((patience, _)) = self.awaited() {
            patience.before.get_or_insert(received);
        }
    }

    /// Begins to wait for the answer to a request that is made now.
    pub(super) fn patience(&mut self, now: Duration, step: Duration) -> Patience {
        self.no_longer_late();
        Patience { asked_at: now, step, deadline: now + step, before: None, replied: None }
    }

    /// Something is late. False when it is waited for on, or when the connections are replaced for it: then there is
    /// nothing more to do.
    pub(super) fn is_lost(&mut self, now: Duration) -> bool {
        let (received, shortest) = (self.connections.received, self.config.request_timeout);
        let longest = self.longest_step();
        let Some((patience, marked)) = self.awaited() else { return true };
        let step = match patience.judge(received, marked) {
            Late::Lost => return true,
            Late::Moves => shortest,
            Late::Waits if patience.step >= longest => {
                self.connections.given_up += 1;
                self.replace_connections(now, Reason::NoAnswer);
                return false;
            }
            Late::Waits => (2 * patience.step).min(longest),
        };
        patience.begin_step(now, step, received);
        let asked_at = patience.asked_at;
        if self.status.late_since.is_none() {
            tracing::debug!("an answer is late, and waited for: the connections live");
            self.status.late_since = Some(asked_at);
            self.tell_status();
        }
        false
    }

    /// Grows while pair after pair was given up: an answer may need longer than that.
    fn longest_step(&self) -> Duration {
        let longest = self.config.patience.max(self.config.request_timeout);
        longest * (1 << self.connections.given_up.min(MOST_DOUBLINGS))
    }

    /// The wait that goes on, and whether the mark of what is waited for has come.
    fn awaited(&mut self) -> Option<(&mut Patience, bool)> {
        match &mut self.mode {
            Mode::Subscribing(subscribing) => subscribing.patience().map(|patience| (patience, false)),
            Mode::Fetching(fetch) => Some((&mut fetch.patience, fetch.marked)),
            Mode::Scanning(scan) => {
                let marked = scan.is_marked();
                Some((&mut scan.patience, marked))
            }
            Mode::Live(live) => live.patience(),
            Mode::Detached | Mode::Waiting { .. } | Mode::Closed => None,
        }
    }

    /// Nothing is late any more, or it is not waited for any more.
    pub(super) fn no_longer_late(&mut self) {
        if self.status.late_since.take().is_some() {
            self.tell_status();
        }
    }
}
