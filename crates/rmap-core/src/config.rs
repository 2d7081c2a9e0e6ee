//! Settings of a replica.

use std::time::Duration;

/// So long that it means "never", and so short that sums of such times stay within what a clock can tell.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// What is asked for again after a time needs one: without, it would be asked for without a pause.
const SHORTEST: Duration = Duration::from_millis(1);

/// Settings of a replica. Every setter says its default and what follows from it. Times longer than a year count as a
/// year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
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
}

impl Default for Config {
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
        }
    }
}

impl Config {
    /// Longest time between two probes of a live replica; default 5 s, least 1 ms.
    ///
    /// Whatever was lost silently is found after at most this time. Each probe is a little earlier by chance, so that
    /// replicas do not probe in step.
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.probe_interval = interval.clamp(SHORTEST, LONGEST);
        self
    }

    /// Shortest time from a proof of freshness to the probe that is made because the hash should have expired; default 100 ms.
    #[must_use]
    pub fn probe_floor(mut self, floor: Duration) -> Self {
        self.probe_floor = floor.min(LONGEST);
        self
    }

    /// Longest time from the start of one verification of a live replica to the start of the next; default `None`: never.
    /// Least 1 ms.
    ///
    /// A **verification** reads the hash again, page by page, and compares every entry with the content. It finds what no
    /// probe can: a field that was overwritten past the map, or a restored hash at the same revision with as many fields.
    /// What differs is put right and emitted. The server spends at most 1 % of a core on it, for each replica: after a page
    /// the replica waits 99 times as long as the page took, up to a minute. A verification that takes longer than the interval is followed
    /// by the next at once, so a difference is found within one interval and the time of one verification, or within two
    /// such times where they are longer. Each starts a little earlier by chance, so that replicas do not read in step.
    ///
    /// One verification always follows a reconnect that skipped the snapshot of a large map, whatever is set here.
    #[must_use]
    pub fn verify_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.verify_interval = interval.into().map(|interval| interval.clamp(SHORTEST, LONGEST));
        self
    }

    /// How long the hash lives after a write, as far as handles of this map set it; default `None`: they do not.
    ///
    /// A change is followed by a probe when this time and 2 ms have passed. So an expiry is found at once also where the
    /// time to live is shorter than the [probe interval](Self::probe_interval), and no probe could foretell it.
    #[must_use]
    pub fn expires_after(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.expires_after = ttl.into().map(|ttl| ttl.min(LONGEST));
        self
    }

    /// Time after which a mark or a reply counts as late; default 2 s, least 1 ms.
    ///
    /// While the connections show life the replica waits on, see [`patience`](Self::patience). Otherwise it asks again
    /// after the first such time, and asks for new connections after the second.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout.clamp(SHORTEST, LONGEST);
        self
    }

    /// Longest step by which the wait for a late answer is prolonged while the connections show life; default 60 s.
    ///
    /// The steps begin with [`request_timeout`](Self::request_timeout) and double. After a step of this length without an
    /// answer the replica asks for new connections: 122 s after the request by default. It is doubled for the next pair
    /// of connections, up to 16 times, until the content is proven again. A time below `request_timeout` means that.
    #[must_use]
    pub fn patience(mut self, longest: Duration) -> Self {
        self.patience = longest.min(LONGEST);
        self
    }

    /// Longest random delay of the first request after a reconnect; default 250 ms.
    ///
    /// It spreads out the replicas of a server that comes back.
    #[must_use]
    pub fn reconnect_jitter(mut self, jitter: Duration) -> Self {
        self.reconnect_jitter = jitter.min(LONGEST);
        self
    }

    /// Least and greatest time between the starts of two resyncs; default 50 ms and 5 s, least 1 ms.
    ///
    /// The time doubles with every resync that follows another. It is the least again once the replica was in step for as
    /// long as the greatest.
    #[must_use]
    pub fn resync_interval(mut self, min: Duration, max: Duration) -> Self {
        self.resync_min = min.clamp(SHORTEST, LONGEST);
        self.resync_max = max.clamp(self.resync_min, LONGEST);
        self
    }

    /// Largest hash that is read in one step, in fields and in bytes of fields and values; default 1,000 and 1 MiB.
    ///
    /// A larger one is scanned in pages, so that the server is never blocked for long.
    #[must_use]
    pub fn small_map(mut self, fields: u64, bytes: u64) -> Self {
        self.small_fields = fields;
        self.small_bytes = bytes;
        self
    }

    /// About how many fields a page of a scan holds at most; default 500, least 1, greatest 2^32 - 1. Pages of large
    /// values hold fewer. Two pages are under way at a time.
    #[must_use]
    pub fn page_fields(mut self, fields: u64) -> Self {
        self.page_fields = fields.clamp(1, u64::from(u32::MAX));
        self
    }

    /// Most notifications that are held while a snapshot is under way, in number and bytes; default 2^20 and 64 MiB.
    ///
    /// Beyond that the snapshot is given up and asked for again. The same bounds hold for one atomic batch.
    #[must_use]
    pub fn held(mut self, messages: usize, bytes: usize) -> Self {
        self.held_messages = messages;
        self.held_bytes = bytes;
        self
    }

    /// About how many entries are compared at once when another content was put in place as a whole, and how many are [worked
    /// on](crate::Replica::work_budget) at a time later; default 20,000, least 1.
    ///
    /// Of a large map a 64th of its entries, old and new, is compared at a time at least.
    #[must_use]
    pub fn compared(mut self, entries: usize) -> Self {
        self.compared = entries.max(1);
        self
    }
}
