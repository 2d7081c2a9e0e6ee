//! The size of requests, derived from the speed of the last answers.

use std::time::Duration;

use rmap_proto::Entries;

use super::Replica;

/// Longest time for which one answer may occupy the line. Other answers wait behind it.
const TIME: Duration = Duration::from_millis(500);

/// Size that is always allowed. On a line with long delays smaller answers would waste the line.
const LEAST: u64 = 64 << 10;

/// Smallest answer that says something about a line's rate. Smaller answers only show its delay.
const MEANINGFUL: u64 = 16 << 10;

/// Approximate largest number of bytes of keys and values in a page on a fast line.
pub(super) const PAGE_BYTES: u64 = 1 << 20;

/// Number of fields of the first page. It is small because the size of the fields is still unknown.
pub(super) const FIRST_PAGE: u64 = 8;

/// Number of bytes of keys and values.
pub(super) fn bytes_of(entries: &Entries) -> u64 {
    entries.content.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

/// Number of fields of the next page, derived from the size of the last page. Large values must neither block the
/// server nor take longer than an answer may.
pub(super) fn next_count(count: u64, bytes: u64, most_bytes: u64, most: u64) -> u64 {
    let fitting = count.saturating_mul(most_bytes) / bytes.max(1);
    fitting.clamp(1, count.saturating_mul(4)).min(most)
}

impl Replica {
    /// Records that `bytes` bytes took the time `took`, as the number of bytes that would have fitted into [`TIME`].
    pub(super) fn measure(&mut self, bytes: u64, took: Duration) {
        let time = TIME.min(self.settings.request_timeout / 2);
        if bytes < MEANINGFUL && took < time {
            return;
        }
        let fitting = u128::from(bytes) * time.as_nanos() / took.as_nanos().max(1);
        self.connections.fitting = Some(u64::try_from(fitting).unwrap_or(u64::MAX).max(LEAST));
    }

    /// Largest number of bytes to request at once. `most` is the bound for any line.
    pub(super) fn fitting(&self, most: u64) -> u64 {
        self.connections.fitting.map_or(most, |fitting| fitting.min(most))
    }
}
