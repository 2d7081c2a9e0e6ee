//! Candidates for the content of a replica, behind the interface that a replica needs.

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

/// The writing end. Its input is that of a replica: notifications as they arrive from the network.
pub trait Content: Send {
    /// The reading end.
    type Reader: ContentReader;

    /// The candidate's name.
    const NAME: &'static str;

    /// A content with this number of entries.
    fn filled(entries: u64) -> Self;

    /// A reading end.
    fn reader(&self) -> Self::Reader;

    /// Decodes and applies a notification.
    fn apply(&mut self, payload: &[u8]);

    /// Publishes the applied notifications, for candidates that do not do so at once. Called after every 64
    /// notifications.
    fn publish(&mut self) {}
}

/// The reading end, one for each thread.
pub trait ContentReader: Send {
    /// An immutable view.
    type View;

    /// Looks up a key and reads the first byte of its value in place. 0 for a missing key.
    fn borrowed(&self, key: &[u8]) -> usize;

    /// Looks up a key, clones the value, reads the clone's first byte and drops the clone. 0 for a missing key.
    fn cloned(&self, key: &[u8]) -> usize;

    /// Makes an immutable view of the whole content. `None` if the candidate has no views.
    fn view(&self) -> Option<Self::View>;
}

/// The entry that the notification of a `set` creates.
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
