//! Candidates for the content of a replica, behind what a replica needs of one.

mod left_right;
mod lock_free;
mod one_lock;
mod replica;
mod shards;

pub use left_right::LeftRight;
pub use lock_free::LockFree;
pub use one_lock::OneLock;
pub use replica::Ours;
use rmap_proto::{Change, Notification};
pub use shards::Shards;

use crate::entry::Entry;

/// The writing end. It is told what a replica is told: notifications as they come from the network.
pub trait Content: Send {
    /// The reading end.
    type Reader: ContentReader;

    /// What it is.
    const NAME: &'static str;

    /// One with so many entries.
    fn filled(entries: u64) -> Self;

    /// A reading end.
    fn reader(&self) -> Self::Reader;

    /// Decodes and applies a notification.
    fn apply(&mut self, payload: &[u8]);

    /// Shows readers what was applied, for those that do not do so at once. Called after every 64 notifications.
    fn publish(&mut self) {}
}

/// The reading end, one for each thread.
pub trait ContentReader: Send {
    /// What does not change.
    type View;

    /// Looks a key up and reads the first byte of its value, where it lies; 0 when it is missing.
    fn borrowed(&self, key: &[u8]) -> usize;

    /// Looks a key up, clones the value, reads and drops the clone; its first byte, or 0 when it is missing.
    fn cloned(&self, key: &[u8]) -> usize;

    /// Makes a view of the whole that does not change. `None`: it cannot.
    fn view(&self) -> Option<Self::View>;
}

/// The entry that the notification of a `set` makes.
fn decode_entry(payload: &[u8]) -> Entry {
    let (key, value) = decode_set(payload);
    Entry::new(key, value)
}

/// Key and value of the notification of a `set`.
fn decode_set(payload: &[u8]) -> (&[u8], &[u8]) {
    match Notification::decode(payload).expect("a sound notification").change {
        Change::Set { key, value } => (key, value),
        Change::Delete { .. } | Change::Reset | Change::Destroy => unreachable!("the run has sets only"),
    }
}
