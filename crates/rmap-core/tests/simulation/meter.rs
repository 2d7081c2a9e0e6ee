//! Counts of what arrives on a node's connections, as a driver reports them.

use rmap_core::{Pings, Received};

/// Time between two PINGs, in milliseconds.
const PAUSE: u64 = 1000;

/// Counts whole replies and messages and sends PINGs, or does neither, as some drivers do.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    counts: bool,
    received: Received,
    pings: Pings,
    next_ping: u64,
}

impl Meter {
    pub(crate) fn new(counts: bool) -> Self {
        Self { counts, ..Self::default() }
    }

    pub(crate) fn connected(&mut self, now: u64, connection: u64) {
        *self = Self { next_ping: now + PAUSE, ..Self::new(self.counts) };
        self.received.connection = connection;
    }

    pub(crate) const fn reply(&mut self) {
        self.received.commands += 1;
    }

    pub(crate) const fn message(&mut self) {
        self.received.subscriber += 1;
    }

    /// Notes the answer to a PING.
    pub(crate) const fn pong(&mut self) {
        self.message();
        self.pings.answered += 1;
    }

    /// True when a PING is due: the last one was answered, and some time has passed.
    pub(crate) const fn pings(&mut self, now: u64) -> bool {
        let pings = self.counts && self.pings.sent == self.pings.answered && self.next_ping <= now;
        if pings {
            self.pings.sent += 1;
            self.next_ping = now + PAUSE;
        }
        pings
    }

    /// The report to the replica, if this driver reports.
    pub(crate) fn read(&self) -> Option<Received> {
        self.counts.then_some(Received { pings: Some(self.pings), ..self.received })
    }
}
