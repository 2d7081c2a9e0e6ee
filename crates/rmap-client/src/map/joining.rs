//! The deadline of a join, which moves with every progress.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rmap_core::{ReplicaStatus, ScanProgress};
use tokio::time::Instant;

use crate::store::{StoreFound, StoreState};
use crate::transport::Transport;

/// The time that is left for a join.
#[derive(Debug)]
pub(super) struct Timer {
    timeout: Duration,
    /// `None`: beyond the range of the clock.
    deadline: Option<Instant>,
    transport: Arc<dyn Transport>,
    stage: Stage,
    /// The store that is read first.
    store: Option<Arc<StoreState>>,
}

#[derive(Debug)]
enum Stage {
    /// The server is asked whether the map can be joined. `replies` counts the replies received before its answer.
    Checking { replies: u64 },
    /// The scan that got furthest, and whether the replica waits for a late answer.
    Reading { furthest: Option<ScanProgress>, late: bool },
}

impl Timer {
    pub(super) fn start(timeout: Duration, transport: Arc<dyn Transport>) -> Self {
        let replies = replies(&*transport);
        let stage = Stage::Checking { replies };
        Self { timeout, deadline: Instant::now().checked_add(timeout), transport, stage, store: None }
    }

    /// The server has answered the check; the replica works from here on.
    pub(super) fn checked(&mut self, store: Option<Arc<StoreState>>) {
        self.store = store;
        self.stage = Stage::Reading { furthest: None, late: false };
        self.restart();
    }

    /// Moves the deadline when a scan has read more fields than any scan before.
    pub(super) fn see(&mut self, status: &ReplicaStatus) {
        let Stage::Reading { furthest, late } = &mut self.stage else { return };
        *late = status.late_since.is_some();
        let read = |scan: Option<ScanProgress>| scan.map_or(0, |scan| scan.read);
        let before = read(*furthest);
        if furthest.is_none() || read(status.scan) > before {
            *furthest = status.scan;
        }
        if read(*furthest) > before {
            self.restart();
        }
    }

    /// The scan that got furthest. A later one, after a lost answer, may have read less.
    pub(super) const fn furthest(&self) -> Option<ScanProgress> {
        match self.stage {
            Stage::Checking { .. } => None,
            Stage::Reading { furthest, .. } => furthest,
        }
    }

    /// Returns the result of the work, or `None` after the deadline.
    pub(super) async fn limit<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return Some(output),
                () = until(self.deadline) => {}
            }
            if self.goes_on() {
                continue;
            }
            // A stalled thread may find the deadline passed while answers that came in time still wait to be handled.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                output = &mut work => return Some(output),
                () = std::future::ready(()) => return None,
            }
        }
    }

    /// True when the connections show life, although the progress cannot be measured.
    fn goes_on(&mut self) -> bool {
        let goes_on = match &mut self.stage {
            Stage::Checking { replies: seen } => {
                let replies = replies(&*self.transport);
                std::mem::replace(seen, replies) != replies
            }
            // The replica ends this stage by itself: its patience is bounded.
            Stage::Reading { late, .. } => {
                *late || self.store.as_ref().is_some_and(|store| store.get().found == StoreFound::Loading)
            }
        };
        if goes_on {
            self.restart();
        }
        goes_on
    }

    fn restart(&mut self) {
        self.deadline = Instant::now().checked_add(self.timeout);
    }
}

fn replies(transport: &dyn Transport) -> u64 {
    transport.received().map_or(0, |received| received.commands)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
