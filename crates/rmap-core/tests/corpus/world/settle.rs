//! The end of a history, when nothing goes wrong any more.

use rmap_core::Phase;

use super::World;

/// In how many turns of the driver everything must be in step.
const TURNS: usize = 200;

impl World {
    /// The faults have ended: soon the replica shows what the server holds, and every wait is over.
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

    /// Live, with a proof that was asked for after the last fault.
    fn is_settled(&self) -> bool {
        self.replica.status().phase == Phase::Live
            && !self.replica.has_work()
            && !self.oracle.is_waited_for()
            && self.requests.is_empty()
    }

    fn turn(&mut self) {
        // Nothing is ever due for a replica without a connection.
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
