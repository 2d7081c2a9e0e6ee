//! Atomic batches: runs of notifications that readers see all at once.

use rmap_proto::{Change, Notification, Revision};

use crate::Value;
use crate::config::Config;
use crate::content::Edit;

/// The tag `B` along a run of notifications: it must fall by exactly 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chain {
    remaining: u32,
}

impl Chain {
    /// Takes the tag of the next notification; false when the batch before it was broken off.
    pub(super) fn accept(&mut self, remaining: u32) -> bool {
        let fits = self.remaining == 0 || remaining == self.remaining - 1;
        self.remaining = remaining;
        fits
    }

    /// True when no batch is under way.
    pub(super) const fn is_complete(self) -> bool {
        self.remaining == 0
    }
}

/// The notifications of a batch that is not complete yet.
#[derive(Debug)]
pub(super) struct PartialBatch {
    /// True when the batch created the hash, so that its edits are the whole content.
    pub(super) born: bool,
    pub(super) first: Revision,
    /// That of the last notification so far.
    pub(super) revision: Revision,
    pub(super) edits: Vec<Edit>,
    chain: Chain,
    bytes: usize,
}

impl PartialBatch {
    /// Begins a batch; `None` when it is larger than may be held.
    pub(super) fn begin(notification: &Notification<'_>, config: &Config) -> Option<Self> {
        let mut batch = Self {
            born: notification.born,
            first: notification.revision,
            revision: notification.revision,
            edits: Vec::new(),
            chain: Chain::default(),
            bytes: 0,
        };
        let fits = notification.remaining as usize <= config.held_messages;
        (fits && batch.push(notification, config)).then_some(batch)
    }

    /// Takes the next notification; false when it does not continue the batch or is too much.
    pub(super) fn add(&mut self, notification: &Notification<'_>, config: &Config) -> bool {
        !notification.born && notification.revision.follows(self.revision) && self.push(notification, config)
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.chain.is_complete()
    }

    /// What it takes, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.bytes
    }

    fn push(&mut self, notification: &Notification<'_>, config: &Config) -> bool {
        let Some(edit) = edit(notification) else { return false };
        self.bytes += edit.key().len() + edit.value().map_or(0, Value::len) + size_of::<Edit>();
        self.revision = notification.revision;
        self.edits.push(edit);
        self.chain.accept(notification.remaining) && self.bytes <= config.held_bytes
    }
}

/// The edit of one key that a notification makes.
fn edit(notification: &Notification<'_>) -> Option<Edit> {
    match notification.change {
        Change::Set { key, value } => Some(Edit::Set(Value::stored(key, value))),
        Change::Delete { key } => Some(Edit::Delete(key.into())),
        Change::Reset | Change::Destroy => None,
    }
}
