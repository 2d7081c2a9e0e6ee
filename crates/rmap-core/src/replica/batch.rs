//! Atomic batches: runs of notifications that readers see all at once.

use rmap_proto::{Change, Notification, Revision};

use crate::Value;
use crate::content::Edit;
use crate::settings::ReplicaSettings;

/// Follows the tag `B` along a run of notifications. The tag must fall by exactly 1 with each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chain {
    remaining: u32,
}

impl Chain {
    /// Accepts the tag of the next notification. False when the tag breaks off the previous batch.
    pub(super) fn accept(&mut self, remaining: u32) -> bool {
        let fits = self.remaining == 0 || remaining == self.remaining - 1;
        self.remaining = remaining;
        fits
    }

    /// True between batches.
    pub(super) const fn is_complete(self) -> bool {
        self.remaining == 0
    }
}

/// The notifications of an incomplete batch.
#[derive(Debug)]
pub(super) struct PartialBatch {
    /// True when the batch created the hash. Its edits are then the whole content.
    pub(super) born: bool,
    pub(super) first: Revision,
    /// The revision of the batch's last notification so far.
    pub(super) revision: Revision,
    pub(super) edits: Vec<Edit>,
    chain: Chain,
    bytes: usize,
}

impl PartialBatch {
    /// Begins a batch. `None` when the batch exceeds the bounds of held notifications.
    pub(super) fn begin(notification: &Notification<'_>, settings: &ReplicaSettings) -> Option<Self> {
        let mut batch = Self {
            born: notification.born,
            first: notification.revision,
            revision: notification.revision,
            edits: Vec::new(),
            chain: Chain::default(),
            bytes: 0,
        };
        let fits = notification.remaining as usize <= settings.held_messages;
        (fits && batch.push(notification, settings)).then_some(batch)
    }

    /// Adds the next notification. False when it does not continue the batch, or exceeds the bounds.
    pub(super) fn add(&mut self, notification: &Notification<'_>, settings: &ReplicaSettings) -> bool {
        !notification.born
            && notification.revision.follows(self.revision)
            && self.push(notification, settings)
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.chain.is_complete()
    }

    /// Number of bytes that the batch occupies.
    pub(super) const fn size(&self) -> usize {
        self.bytes
    }

    fn push(&mut self, notification: &Notification<'_>, settings: &ReplicaSettings) -> bool {
        let Some(edit) = edit(notification) else { return false };
        self.bytes += edit.key().len() + edit.value().map_or(0, Value::len) + size_of::<Edit>();
        self.revision = notification.revision;
        self.edits.push(edit);
        self.chain.accept(notification.remaining) && self.bytes <= settings.held_bytes
    }
}

/// The edit that a notification makes to one key.
fn edit(notification: &Notification<'_>) -> Option<Edit> {
    match notification.change {
        Change::Set { key, value } => Some(Edit::Set(Value::stored(key, value))),
        Change::Delete { key } => Some(Edit::Delete(key.into())),
        Change::Reset | Change::Destroy => None,
    }
}
