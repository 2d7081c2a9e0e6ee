//! Helpers of several test files.

use std::time::Duration;

/// Waits until a condition holds; with paused time this takes no time.
///
/// # Panics
///
/// Panics when it does not hold within a minute.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(waited.is_ok(), "not within a minute: {what}");
}
