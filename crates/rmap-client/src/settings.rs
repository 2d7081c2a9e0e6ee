//! Settings that a client hands down to its maps.

use std::sync::Arc;
use std::time::Duration;

use rmap_core::Config;
use rmap_proto::{MAX_BATCH_BYTES, MAX_BATCH_STEPS, list};

use crate::clock::Clock;

/// Longest key: it goes into every notification, together with the value.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;

/// How much one write may carry, and how much may wait in this process. Each setter says its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(crate) value_bytes: usize,
    pub(crate) batch_steps: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) lists: list::Limit,
    pub(crate) inbox: Bound,
    pub(crate) unread: Bound,
}

/// How much a queue may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            value_bytes: MAX_BATCH_BYTES,
            batch_steps: 1_000,
            batch_bytes: 4 << 20,
            lists: list::Limit::default(),
            inbox: Bound { count: 1 << 16, bytes: 64 << 20 },
            unread: Bound { count: 4096, bytes: 16 << 20 },
        }
    }
}

impl Limits {
    /// Longest value, in bytes; default and greatest: 16 MiB. Lists have limits of their own, [`list_bytes`](Self::list_bytes).
    ///
    /// Redis disconnects a subscriber, Go's too, when one script publishes more than 32 MB.
    #[must_use]
    pub fn value_bytes(mut self, bytes: usize) -> Self {
        self.value_bytes = bytes.min(MAX_BATCH_BYTES);
        self
    }

    /// Most steps, and most preconditions, of one batch; default 1,000, greatest 2,500.
    #[must_use]
    pub fn batch_steps(mut self, steps: usize) -> Self {
        self.batch_steps = steps.min(MAX_BATCH_STEPS);
        self
    }

    /// Most bytes of keys, values and items in one batch; default 4 MiB, greatest 16 MiB.
    ///
    /// Each batch is one step of the server, which answers nobody else meanwhile.
    #[must_use]
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes.min(MAX_BATCH_BYTES);
        self
    }

    /// Most items of a list that an operation makes, and most items that one is given; default 100,000.
    ///
    /// For each change the server reads and writes the whole list, and answers nobody else meanwhile: 0.6 ms for 1,000 items. The
    /// list steps of one batch may together do as much as eight of the longest lists need.
    #[must_use]
    pub fn list_items(mut self, items: usize) -> Self {
        self.lists = list::Limit::new(items, self.lists.bytes());
        self
    }

    /// Most bytes of a list that an operation makes, as it is stored, and most bytes of the items that one is given; default
    /// 1 MiB, greatest 16 MiB.
    #[must_use]
    pub fn list_bytes(mut self, bytes: usize) -> Self {
        self.lists = list::Limit::new(self.lists.items(), bytes);
        self
    }

    /// Most messages and bytes that have been received for one map and wait for its task; default 65,536 and 64 MiB.
    ///
    /// What exceeds them is dropped, and the map resyncs. A single message of more bytes still passes. All maps of the client
    /// have a [bound of their own](crate::ClientBuilder::received_in_sum).
    #[must_use]
    pub fn inbox(mut self, messages: usize, bytes: usize) -> Self {
        self.inbox = Bound { count: messages.max(1), bytes };
        self
    }

    /// Most changes and bytes that streams of [`changes`](crate::Map::changes) may leave unread; default 4,096 and 16 MiB.
    ///
    /// Of older ones, those of one key are folded into one. All streams of the client have a
    /// [bound of their own](crate::ClientBuilder::unread_changes_in_sum).
    #[must_use]
    pub fn unread_changes(mut self, changes: usize, bytes: usize) -> Self {
        self.unread = Bound { count: changes, bytes };
        self
    }
}

/// Settings of a client, and those that it hands down.
#[derive(Debug, Clone)]
pub(crate) struct ClientSettings {
    pub(crate) maps: Settings,
    /// `None`: the system's.
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// Bytes of unread changes over all maps.
    pub(crate) unread: usize,
    /// Bytes of messages that wait over all maps.
    pub(crate) received: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self { maps: Settings::default(), clock: None, unread: 64 << 20, received: 256 << 20 }
    }
}

/// Settings of a map.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) replica: Config,
    pub(crate) limits: Limits,
    pub(crate) join_timeout: Duration,
    pub(crate) sync_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replica: Config::default(),
            limits: Limits::default(),
            join_timeout: Duration::from_secs(10),
            sync_timeout: Duration::from_secs(10),
        }
    }
}
