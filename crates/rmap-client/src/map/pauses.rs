//! Random pauses between the tries of a write whose condition did not hold, because others write the same.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use super::Map;
use crate::Error;

/// Most tries of one call.
pub(super) const MOST_TRIES: u32 = 16;

/// Bounds of the time that a try is taken to last: a timer has no finer steps, and nobody waits longer for others.
const SHORTEST_TRY: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Most times that a pause lasts as long as a try.
const MOST_TIMES: u32 = 64;

/// The pause after so many tries, of which the last one took so long.
///
/// There is none after the first try, since most often it is one other caller who was faster. Then the bound doubles from
/// four times the length of a try on, so that about one caller at a time is between its look and its write.
pub(super) async fn pause(tries: u32, took: Duration) {
    let Some(doublings) = tries.checked_sub(2) else { return };
    let times = (4_u32 << doublings.min(8)).min(MOST_TIMES);
    let bound = took.max(SHORTEST_TRY).saturating_mul(times).min(LONGEST_PAUSE);
    // The standard library's only source of randomness; it differs for every call.
    let random = RandomState::new().hash_one(tries) % 1024 + 1;
    let pause = bound * u32::try_from(random).unwrap_or_default() / 1024;
    // Made here, at the first poll, which is in the client's runtime.
    tokio::time::sleep(pause).await;
}

impl Map {
    /// Pauses in the client's runtime.
    pub(super) async fn pause(&self, tries: u32, took: Duration) -> Result<(), Error> {
        self.0.client.runtime().within(pause(tries, took)).await.map_err(|_| self.closed())
    }
}
