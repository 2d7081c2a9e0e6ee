//! Waiting for a condition.

use std::thread;
use std::time::{Duration, Instant};

/// Generous, since only a failing test spends it.
const DEADLINE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(5);

/// Waits until a condition holds.
///
/// # Panics
///
/// When the condition does not hold within 30 seconds. The message names `what` was awaited.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        thread::sleep(STEP);
    }
}

/// Waits until a condition holds, while other tasks of the runtime go on.
///
/// # Panics
///
/// When the condition does not hold within 30 seconds. The message names `what` was awaited.
pub async fn eventually_async(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(STEP).await;
    }
}
