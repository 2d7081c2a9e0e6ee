//! Settings that a client hands down to its maps.

use std::time::Duration;

use rmap_core::Config;

/// A longer value could, together with its key, overrun the 32 MB at which Redis disconnects a subscriber.
pub(crate) const MAX_VALUE_BYTES: usize = 16 << 20;

/// Longest key, for the same reason.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) replica: Config,
    pub(crate) join_timeout: Duration,
    pub(crate) sync_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replica: Config::default(),
            join_timeout: Duration::from_secs(10),
            sync_timeout: Duration::from_secs(10),
        }
    }
}
