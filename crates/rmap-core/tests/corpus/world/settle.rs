//! The end of a history, without further faults.

use rmap_core::Phase;

use super::World;

/// Number of driver turns within which the replica must be in step.
const TURNS: usize = 200;

impl World {
    /// After the faults, the replica soon shows the server's content, and every wait is over.
    pub(in super::super) fn settle(&mut self) {
        let mut turns = 0;
        self.check();
        self.oracle.wait(None, self.server.current());
        self.replica.handle_sync(self.now);
        while !self.closed && !self.is_settled() {
            self.turn();
            turns += 1;
            assert!(turns < TURNS, "not in step after {turns} turns: {:?}", self.replica.status());
        }
        self.oracle.check_settled(&self.server, self.sound && !self.closed);
    }

    /// True when the replica is live and has a proof that was requested after the last fault.
    fn is_settled(&self) -> bool {
        self.replica.status().phase == Phase::Live
            && !self.replica.has_work()
            && !self.oracle.is_waited_for()
            && self.requests.is_empty()
    }

    fn turn(&mut self) {
        // A replica without a connection has nothing scheduled.
        if self.replica.poll_timeout().is_none() {
            self.connect();
        }
        self.subscribe();
        self.drain();
        while !self.requests.is_empty() || !self.replies.is_empty() {
            self.answer();
            self.drain();
        }
        self.receive(usize::MAX);
        if !self.is_settled() {
            self.pass(self.replica.poll_timeout().unwrap_or_default().saturating_sub(self.now));
        }
        self.check();
    }
}
