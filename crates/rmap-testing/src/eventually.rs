//! Waiting until something holds.

use std::thread;
use std::time::{Duration, Instant};

/// Generous, since it is only spent when a test fails.
const DEADLINE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(5);

/// Waits until a condition holds.
///
/// # Panics
///
/// When it does not within 30 seconds; `what` says in the message what was waited for.
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
/// When it does not within 30 seconds; `what` says in the message what was waited for.
pub async fn eventually_async(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(STEP).await;
    }
}
