//! What has arrived on a subscriber connection, for whoever wants to know whether it lives.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::transport::Pings;

/// Counts that the connection's task keeps and others read.
#[derive(Debug, Default)]
pub(in super::super) struct Traffic {
    bytes: AtomicU64,
    sent: AtomicU64,
    answered: AtomicU64,
    /// The user may not PING.
    mute: AtomicBool,
}

impl Traffic {
    pub(super) fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn pinged(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// So many PINGs were answered, and whoever takes the messages has dealt with those before the last answer.
    pub(in super::super) fn answered(&self, pings: u64) {
        self.answered.store(pings, Ordering::Release);
    }

    pub(super) fn is_mute(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }

    pub(in super::super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// `None` where none are sent.
    pub(in super::super) fn pings(&self) -> Option<Pings> {
        // In this order, so that no more seem to be answered than were sent.
        let answered = self.answered.load(Ordering::Acquire);
        let sent = self.sent.load(Ordering::Relaxed);
        (!self.mute.load(Ordering::Relaxed)).then_some(Pings { sent, answered })
    }
}
