//! How much to ask for at once, by how fast the last answers came.

use std::time::Duration;

use rmap_proto::Entries;

use super::Replica;

/// How long one answer may occupy the line, in which others wait behind it.
const TIME: Duration = Duration::from_millis(500);

/// What fits in any case. On a line of long delays smaller answers would waste it.
const LEAST: u64 = 64 << 10;

/// Smaller answers tell the delay of a line and not its rate.
const TELLING: u64 = 16 << 10;

/// About how many bytes of keys and values a page may have on a fast line.
pub(super) const PAGE_BYTES: u64 = 1 << 20;

/// Fields of the first page: nobody knows yet how large they are.
pub(super) const FIRST_PAGE: u64 = 8;

/// Keys and values.
pub(super) fn bytes_of(entries: &Entries) -> u64 {
    entries.content.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}

/// How many fields the next page may have, by what this one weighed: large values must neither hold up the server nor
/// take longer than an answer may.
pub(super) fn next_count(count: u64, bytes: u64, most_bytes: u64, most: u64) -> u64 {
    let fitting = count.saturating_mul(most_bytes) / bytes.max(1);
    fitting.clamp(1, count.saturating_mul(4)).min(most)
}

impl Replica {
    /// An answer of so many bytes took so long. Keeps how many bytes would have fitted into [`TIME`].
    pub(super) fn measure(&mut self, bytes: u64, took: Duration) {
        let time = TIME.min(self.config.request_timeout / 2);
        if bytes < TELLING && took < time {
            return;
        }
        let fitting = u128::from(bytes) * time.as_nanos() / took.as_nanos().max(1);
        self.connections.fitting = Some(u64::try_from(fitting).unwrap_or(u64::MAX).max(LEAST));
    }

    /// At most so many bytes are to be asked for at once, by a bound that was set for any line.
    pub(super) fn fitting(&self, most: u64) -> u64 {
        self.connections.fitting.map_or(most, |fitting| fitting.min(most))
    }
}
