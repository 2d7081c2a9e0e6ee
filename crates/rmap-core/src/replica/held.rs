//! Notifications that wait for a snapshot.

use std::fmt;

use crate::settings::ReplicaSettings;

/// Payloads in order, bounded in number and bytes. The `Debug` form shows both, and no payload.
#[derive(Default)]
pub(super) struct Held {
    payloads: Vec<Box<[u8]>>,
    bytes: usize,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} payloads of {} bytes", self.payloads.len(), self.bytes)
    }
}

impl Held {
    /// Keeps a payload. False when there is no room for it.
    pub(super) fn push(&mut self, payload: &[u8], settings: &ReplicaSettings) -> bool {
        let fits =
            self.payloads.len() < settings.held_messages && self.bytes + payload.len() <= settings.held_bytes;
        if fits {
            self.bytes += payload.len();
            self.payloads.push(payload.into());
        }
        fits
    }

    /// Number of bytes that the payloads occupy.
    pub(super) const fn size(&self) -> usize {
        self.bytes + self.payloads.len() * size_of::<Box<[u8]>>()
    }

    pub(super) fn into_payloads(self) -> Vec<Box<[u8]>> {
        self.payloads
    }
}
