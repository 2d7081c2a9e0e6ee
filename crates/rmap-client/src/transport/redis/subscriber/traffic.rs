//! Counts arrivals on a subscriber connection, so that others can tell whether it lives.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::transport::Pings;

/// Counters that the connection's task updates and others read.
#[derive(Debug, Default)]
pub(in super::super) struct Traffic {
    bytes: AtomicU64,
    sent: AtomicU64,
    answered: AtomicU64,
    /// The user may not send PING.
    mute: AtomicBool,
}

impl Traffic {
    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn pinged(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Records this number of answered PINGs, after the messages before the last answer have been handled.
    pub(in super::super) fn answered(&self, pings: u64) {
        self.answered.store(pings, Ordering::Release);
    }

    pub(super) fn is_mute(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }

    pub(in super::super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// `None` if the user may not send PING.
    pub(in super::super) fn pings(&self) -> Option<Pings> {
        // The answers are read first, so that there never seem to be more answers than PINGs.
        let answered = self.answered.load(Ordering::Acquire);
        let sent = self.sent.load(Ordering::Relaxed);
        (!self.mute.load(Ordering::Relaxed)).then_some(Pings { sent, answered })
    }
}
