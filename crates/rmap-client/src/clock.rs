//! Time as the replica wants it: since an epoch that all maps of a client share.

use std::time::Duration;

use tokio::time::Instant;

/// Measures time since its creation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { epoch: Instant::now() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// The instant at `time`, if the platform can express it.
    pub(crate) fn instant(&self, time: Duration) -> Option<Instant> {
        self.epoch.checked_add(time)
    }
}
