//! A hang is a failure.

use std::time::Duration;

/// Generous, since it is only spent when a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// The future's output.
///
/// # Panics
///
/// When there is none within a minute.
pub async fn must_end<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("it hangs for {DEADLINE:?}"))
}
