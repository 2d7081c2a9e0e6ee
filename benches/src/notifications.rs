//! Notifications that cost almost nothing to create, so that measuring their intake measures nothing else.

use rmap_proto::{Change, Notification, Revision};

use crate::data::{self, KEY_BYTES, Key, VALUE_BYTES};

const REVISION_BYTES: usize = 13;
const KEY_AT: usize = 8;
/// Offset of the value.
pub const VALUE_AT: usize = KEY_AT + KEY_BYTES + 4;
const REVISION_AT: usize = VALUE_AT + VALUE_BYTES + 4;

/// Number of bytes of a notification.
pub const PAYLOAD_BYTES: usize = REVISION_AT + REVISION_BYTES;

/// One encoded `set`.
pub type Payload = [u8; PAYLOAD_BYTES];

/// A run of `set`s with rising revisions, over keys in the given order.
#[derive(Debug)]
pub struct Notifications<'a> {
    keys: &'a [Key],
    at: usize,
    revision: u64,
    payload: Payload,
}

impl<'a> Notifications<'a> {
    /// Begins after this revision, which must have 13 digits.
    ///
    /// # Panics
    ///
    /// When the payloads differ from those that the protocol encodes.
    #[must_use]
    pub fn after(revision: u64, keys: &'a [Key]) -> Self {
        let value = data::value(revision);
        let template =
            Notification::new(Revision::new(revision).unwrap(), Change::Set { key: &keys[0], value: &value });
        let payload = template.encode().try_into().unwrap();
        let mut run = Self { keys, at: 0, revision, payload };
        let first = *run.next();
        let decoded = Notification::decode(&first).unwrap();
        assert_eq!(decoded.revision.get(), revision + 1);
        assert_eq!(decoded.change, Change::Set { key: &keys[0], value: &data::value(revision + 1) });
        run.at = 0;
        run.revision = revision;
        run
    }

    /// The next notification.
    #[expect(clippy::should_implement_trait, reason = "it lends its buffer")]
    pub fn next(&mut self) -> &Payload {
        self.revision += 1;
        let key = &self.keys[self.at];
        self.at = if self.at + 1 == self.keys.len() { 0 } else { self.at + 1 };
        self.payload[KEY_AT..KEY_AT + KEY_BYTES].copy_from_slice(key);
        let revision = &mut self.payload[REVISION_AT..];
        data::write_decimal(revision, self.revision);
        let digits: [u8; REVISION_BYTES] = self.payload[REVISION_AT..].try_into().unwrap();
        let value_end = VALUE_AT + VALUE_BYTES;
        self.payload[value_end - REVISION_BYTES..value_end].copy_from_slice(&digits);
        &self.payload
    }

    /// The next notifications, to be applied while a clock runs.
    pub fn take(&mut self, count: usize) -> Vec<Payload> {
        (0..count).map(|_| *self.next()).collect()
    }

    /// The revision of the last one.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }
}
