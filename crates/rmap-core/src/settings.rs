//! Settings of a replica.

use std::time::Duration;

/// One year. It stands for "never", and sums of such times still fit into a `Duration` of any clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// One millisecond. With a zero interval the replica would send requests without a pause.
const SHORTEST: Duration = Duration::from_millis(1);

/// The answer of a replica to a probe or a snapshot that finds no hash for the map at the server any more.
///
/// ```
/// use rmap_core::{ReplicaSettings, WhenLost};
///
/// assert_eq!(WhenLost::default(), WhenLost::Follow);
/// let keeping = ReplicaSettings::default().when_lost(WhenLost::Keep);
/// assert_ne!(keeping, ReplicaSettings::default());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenLost {
    /// It follows the server: its content is empty then.
    #[default]
    Follow,
    /// It keeps serving its last content, in the phase [`Kept`](crate::Phase::Kept), until a write makes a hash.
    Keep,
}

/// Settings of a replica. Every setter documents its default and its consequences. Times longer than a year count as a
/// year.
///
/// ```
/// use std::time::Duration;
///
/// use rmap_core::{ReplicaSettings, Replica};
///
/// let watchful = ReplicaSettings::default().probe_interval(Duration::from_secs(1)).small_map(100, 64 << 10);
/// let replica = Replica::new(watchful, 7);
/// assert!(replica.status().fresh_at.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaSettings {
    pub(crate) probe_interval: Duration,
    pub(crate) probe_floor: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) patience: Duration,
    pub(crate) reconnect_jitter: Duration,
    pub(crate) resync_min: Duration,
    pub(crate) resync_max: Duration,
    pub(crate) small_fields: u64,
    pub(crate) small_bytes: u64,
    pub(crate) page_fields: u64,
    pub(crate) held_messages: usize,
    pub(crate) held_bytes: usize,
    pub(crate) compared: usize,
    pub(crate) verify_interval: Option<Duration>,
    pub(crate) expires_after: Option<Duration>,
    pub(crate) when_lost: WhenLost,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(5),
            probe_floor: Duration::from_millis(100),
            request_timeout: Duration::from_secs(2),
            patience: Duration::from_secs(60),
            reconnect_jitter: Duration::from_millis(250),
            resync_min: Duration::from_millis(50),
            resync_max: Duration::from_secs(5),
            small_fields: 1000,
            small_bytes: 1 << 20,
            page_fields: 500,
            held_messages: 1 << 20,
            held_bytes: 64 << 20,
            compared: 20_000,
            verify_interval: None,
            expires_after: None,
            when_lost: WhenLost::Follow,
        }
    }
}

impl ReplicaSettings {
    /// Longest time between two probes of a live replica; default 5 s, at least 1 ms.
    ///
    /// A probe finds every silent loss within this time. Random jitter shortens each interval a little, so that
    /// replicas do not probe in lockstep.
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.probe_interval = interval.clamp(SHORTEST, LONGEST);
        self
    }

    /// Shortest time between a proof of freshness and a probe that an expected expiry causes; default 100 ms.
    #[must_use]
    pub fn probe_floor(mut self, floor: Duration) -> Self {
        self.probe_floor = floor.min(LONGEST);
        self
    }

    /// Longest time from the start of one verification of a live replica to the start of the next; default `None`:
    /// never. At least 1 ms.
    ///
    /// A **verification** reads the hash again, page by page, and compares every entry with the content. It finds what
    /// no probe can find: a field that another program overwrote directly, or a restored hash with the same revision
    /// and field count. The replica corrects the differing entries and emits the changes.
    ///
    /// The server spends at most 1 % of a core per replica on it: after a page the replica waits 99 times as long as
    /// the page took, up to a minute. If a verification takes longer than the interval, the next one follows at once. A
    /// difference is therefore found within one interval plus one verification, or within two verifications where those
    /// are longer. Random jitter shortens each interval a little, so that replicas do not read in lockstep.
    ///
    /// One verification always follows a reconnect that skipped the snapshot of a large map, whatever this setting is.
    #[must_use]
    pub fn verify_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.verify_interval = interval.into().map(|interval| interval.clamp(SHORTEST, LONGEST));
        self
    }

    /// Time to live that the handles of this map give to the hash with a write; default `None`: they give none.
    ///
    /// The replica probes once this time and 2 ms have passed after a change. It therefore notices an expiry at once,
    /// even if the time to live is shorter than the [probe interval](Self::probe_interval) and no probe could foresee
    /// the expiry.
    #[must_use]
    pub fn expires_after(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.expires_after = ttl.into().map(|ttl| ttl.min(LONGEST));
        self
    }

    /// Chooses between following and keeping when the server has no hash for the map any more: after FLUSHALL, an empty restart, an expiry or an
    /// eviction; default [`WhenLost::Follow`].
    ///
    /// With [`WhenLost::Keep`] the content stays as it is and nothing proves it: waits end as broken, and no change is
    /// emitted. The first write that makes a hash ends that, and all keys that it does not write go then.
    /// [`Replica::handle_follow`](crate::Replica::handle_follow) ends it, too. A reset or destroy is no loss, because the hash
    /// remains with its revision.
    #[must_use]
    pub const fn when_lost(mut self, when_lost: WhenLost) -> Self {
        self.when_lost = when_lost;
        self
    }

    /// Time after which a mark or a reply counts as late; default 2 s, at least 1 ms.
    ///
    /// While the connections show life the replica keeps waiting, see [`patience`](Self::patience). Otherwise it
    /// retries the request after the first such time, and requests new connections after the second.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout.clamp(SHORTEST, LONGEST);
        self
    }

    /// Longest step of the wait for a late answer while the connections show life; default 60 s.
    ///
    /// The steps begin with [`request_timeout`](Self::request_timeout) and double. After a step of this length without
    /// an answer the replica requests new connections: by default 122 s after the request. The longest step doubles for
    /// each next pair of connections, up to 16 times, until the content is proven again. Values below `request_timeout`
    /// count as `request_timeout`.
    #[must_use]
    pub fn patience(mut self, longest: Duration) -> Self {
        self.patience = longest.min(LONGEST);
        self
    }

    /// Longest random delay before the first request after a reconnect; default 250 ms.
    ///
    /// The delay spreads out the requests of many replicas when their server comes back.
    #[must_use]
    pub fn reconnect_jitter(mut self, jitter: Duration) -> Self {
        self.reconnect_jitter = jitter.min(LONGEST);
        self
    }

    /// Shortest and longest time between the starts of two resyncs; default 50 ms and 5 s, at least 1 ms.
    ///
    /// The time doubles with every resync that follows another. It returns to the shortest after the replica was in
    /// step for as long as the longest.
    #[must_use]
    pub fn resync_interval(mut self, min: Duration, max: Duration) -> Self {
        self.resync_min = min.clamp(SHORTEST, LONGEST);
        self.resync_max = max.clamp(self.resync_min, LONGEST);
        self
    }

    /// Largest hash that one snapshot may read, in fields and in bytes of fields and values; default 1,000 and 1 MiB.
    ///
    /// A larger hash is scanned in pages, so that the server is never blocked for long.
    #[must_use]
    pub fn small_map(mut self, fields: u64, bytes: u64) -> Self {
        self.small_fields = fields;
        self.small_bytes = bytes;
        self
    }

    /// Approximate largest number of fields in a page of a scan; default 500, at least 1, at most 2^32 - 1. Pages of
    /// large values hold fewer fields. A scan keeps two pages in flight.
    #[must_use]
    pub fn page_fields(mut self, fields: u64) -> Self {
        self.page_fields = fields.clamp(1, u64::from(u32::MAX));
        self
    }

    /// Most notifications held while a snapshot is in flight, in number and bytes; default 2^20 and 64 MiB.
    ///
    /// Beyond either bound the replica drops the snapshot and resyncs. The same bounds apply to one atomic batch.
    #[must_use]
    pub fn held(mut self, messages: usize, bytes: usize) -> Self {
        self.held_messages = messages;
        self.held_bytes = bytes;
        self
    }

    /// Approximate number of entries compared at once after a resync replaced the content, and the [work
    /// budget](crate::Replica::work_budget) for the rest; default 20,000, at least 1.
    ///
    /// For a large map one step compares at least one 64th of its entries, old and new.
    #[must_use]
    pub fn compared(mut self, entries: usize) -> Self {
        self.compared = entries.max(1);
        self
    }
}
