//! Waiting for late answers.
//!
//! On a slow line a retry would only queue behind the reply that is already on its way. While the driver's counts show
//! that the connections are alive, the replica therefore extends its wait, in steps that double. Without such counts a
//! late answer counts as lost.

use std::time::Duration;

use super::{Mode, Replica};
use crate::received::Received;
use crate::settings::ReplicaSettings;
use crate::status::Reason;

/// Largest number of doublings of the longest step.
const MOST_DOUBLINGS: u32 = 4;

/// The wait for one answer.
#[derive(Debug)]
pub(super) struct Patience {
    asked_at: Duration,
    step: Duration,
    pub(super) deadline: Duration,
    /// The counts at the beginning of the step, as first reported.
    before: Option<Received>,
    /// Number of PINGs sent when the reply arrived. `None` while the reply is missing.
    replied: Option<u64>,
}

/// The meaning of a late answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    /// The answer, or something in front of it, is arriving. The steps start over with the shortest.
    Moves,
    /// The connections are alive, but the answer shows no sign.
    Waits,
    /// The answer will not arrive.
    Lost,
}

impl Patience {
    /// Notes that the reply arrived and only the mark is missing. The server published the mark before the reply, so it
    /// arrives soon or never.
    pub(super) fn reply_came(
        &mut self,
        now: Duration,
        received: Option<Received>,
        settings: &ReplicaSettings,
    ) {
        self.replied = Some(received.and_then(|received| received.pings).map_or(0, |pings| pings.sent));
        self.begin_step(now, settings.request_timeout, received);
    }

    fn begin_step(&mut self, now: Duration, step: Duration, received: Option<Received>) {
        self.step = step;
        self.deadline = now + step;
        self.before = received;
    }

    /// Decides by the counts of this step. `marked` is true when the mark arrived during the step.
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
            // The server sent this PING's answer after the place of the mark, so the mark was lost.
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

    /// Begins the wait for the answer to a request that is issued now.
    pub(super) fn patience(&mut self, now: Duration, step: Duration) -> Patience {
        self.no_longer_late();
        Patience { asked_at: now, step, deadline: now + step, before: None, replied: None }
    }

    /// Decides about a late answer. False when the replica keeps waiting, or has just requested new connections. The
    /// caller then has nothing more to do.
    pub(super) fn is_lost(&mut self, now: Duration) -> bool {
        let (received, shortest) = (self.connections.received, self.settings.request_timeout);
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
            self.notify_status();
        }
        false
    }

    /// The longest step. It grows while pair after pair was given up, because an answer may need longer than one step.
    fn longest_step(&self) -> Duration {
        let longest = self.settings.patience.max(self.settings.request_timeout);
        longest * (1 << self.connections.given_up.min(MOST_DOUBLINGS))
    }

    /// The current wait, and whether its mark has arrived.
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

    /// Notes that no answer is late any more, or that none is awaited.
    pub(super) fn no_longer_late(&mut self) {
        if self.status.late_since.take().is_some() {
            self.notify_status();
        }
    }
}
