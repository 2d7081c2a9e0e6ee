//! Turning a hang into a failure.

use std::time::Duration;

/// Generous, since only a failing test spends it.
const DEADLINE: Duration = Duration::from_secs(60);

/// The future's output.
///
/// # Panics
///
/// When the future does not end within a minute.
pub async fn must_end<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("it hangs for {DEADLINE:?}"))
}
