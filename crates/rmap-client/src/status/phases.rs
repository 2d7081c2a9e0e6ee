//! The statuses at which the phase changed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use rmap_core::Phase;

use super::{Status, StatusChanges};

/// Stream of a map's status after changes of its phase, from [`Map::phase_changes`](crate::Map::phase_changes) and
/// [`TypedMap::phase_changes`](crate::TypedMap::phase_changes).
///
/// It begins with the status of the moment. It ends when the map closes, after the status that says so.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let mut phases = map.phase_changes();
/// map.close().await;
/// while let Some(status) = phases.next().await {
///     println!("{} ({})", status.phase(), status.reason());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PhaseChanges {
    statuses: StatusChanges,
    /// The phase that was yielded last, and since when the map had been in it.
    last: Option<(Phase, Duration)>,
}

impl PhaseChanges {
    pub(crate) const fn new(statuses: StatusChanges) -> Self {
        Self { statuses, last: None }
    }

    /// Waits for a status in this phase; `None` when the map closes first.
    pub(crate) async fn find(mut self, phase: Phase) -> Option<Status> {
        loop {
            let status = self.next().await?;
            if status.phase() == phase {
                return Some(status);
            }
        }
    }

    /// Waits for the next change of the phase; `None` once the map is closed and its last status was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no status but those that a newer one replaces.
    pub async fn next(&mut self) -> Option<Status> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for PhaseChanges {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Status>> {
        loop {
            let Some(status) = ready!(Pin::new(&mut self.statuses).poll_next(context)) else {
                return Poll::Ready(None);
            };
            // The time distinguishes a phase that came back from one that lasted.
            let phase = Some((status.status.phase, status.status.since));
            if std::mem::replace(&mut self.last, phase) != phase {
                return Poll::Ready(Some(status));
            }
        }
    }
}
