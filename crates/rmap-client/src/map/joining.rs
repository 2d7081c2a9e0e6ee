//! How long a join may take: counted from its last progress.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rmap_core::Status;
use tokio::time::Instant;

use crate::transport::Transport;

/// The time that is left for a join.
#[derive(Debug)]
pub(super) struct Timer {
    timeout: Duration,
    /// `None`: later than the clock can tell.
    deadline: Option<Instant>,
    transport: Arc<dyn Transport>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The server is asked whether the map can be joined. The replies that came before this answer.
    Checking { replies: u64 },
    /// The most fields that a scan has read, and whether the replica waits for an answer that is late.
    Reading { fields: u64, late: bool },
}

impl Timer {
    pub(super) fn start(timeout: Duration, transport: Arc<dyn Transport>) -> Self {
        let replies = replies(&*transport);
        let stage = Stage::Checking { replies };
        Self { timeout, deadline: Instant::now().checked_add(timeout), transport, stage }
    }

    /// The server has been asked; the replica is at work.
    pub(super) fn checked(&mut self) {
        self.stage = Stage::Reading { fields: 0, late: false };
        self.restart();
    }

    /// Another scan of the same fields is no progress.
    pub(super) fn see(&mut self, status: &Status) {
        let Stage::Reading { fields, late } = &mut self.stage else { return };
        *late = status.late_since.is_some();
        let read = status.scan.map_or(0, |scan| scan.read);
        if read > *fields {
            *fields = read;
            self.restart();
        }
    }

    /// What the work gives, or `None` when the time is over.
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
            // Where the threads were held up, what came in time has not been dealt with yet.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                output = &mut work => return Some(output),
                () = std::future::ready(()) => return None,
            }
        }
    }

    /// True when something moves, though it cannot be told how far it is.
    fn goes_on(&mut self) -> bool {
        let goes_on = match &mut self.stage {
            Stage::Checking { replies: seen } => {
                let replies = replies(&*self.transport);
                std::mem::replace(seen, replies) != replies
            }
            // The replica itself gives up in the end.
            Stage::Reading { late, .. } => *late,
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
