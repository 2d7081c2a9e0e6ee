//! The replica itself, with all its checks.

use rmap_core::{Disposition, Reader, Replica, View};

use super::{Content, ContentReader};
use crate::data::first_byte;
use crate::notifications::Payload;
use crate::replica::{NOW, live};

/// `rmap_core::Replica`.
#[derive(Debug)]
pub struct Ours(Replica);

impl Ours {
    /// Applies notifications as the client's driver does when many are waiting.
    pub fn apply_many(&mut self, payloads: &[Payload]) {
        for some in payloads.chunks(Replica::PREFETCH) {
            self.0.prefetch(some.iter().map(|payload| payload.as_slice()));
            for payload in some {
                self.apply(payload);
            }
        }
    }
}

impl Content for Ours {
    type Reader = Reader;

    const NAME: &'static str = "rmap-core";

    fn filled(entries: u64) -> Self {
        Self(live(entries))
    }

    fn reader(&self) -> Reader {
        self.0.reader()
    }

    fn apply(&mut self, payload: &[u8]) {
        assert_eq!(self.0.handle_notification(NOW, payload), Disposition::Applied);
        while self.0.poll_output().is_some() {}
    }
}

impl ContentReader for Reader {
    type View = View;

    fn borrowed(&self, key: &[u8]) -> usize {
        self.with(key, first_byte).unwrap_or_default()
    }

    fn cloned(&self, key: &[u8]) -> usize {
        self.get(key).map_or(0, |value| first_byte(value.as_bytes()))
    }

    fn view(&self) -> Option<View> {
        Some(Self::view(self))
    }
}
