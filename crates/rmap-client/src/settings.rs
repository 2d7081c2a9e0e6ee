//! Settings of maps and of clients.

use std::sync::Arc;
use std::time::Duration;

use rmap_core::{ReplicaSettings, WhenLost};
use rmap_proto::{MAX_BATCH_BYTES, MAX_BATCH_STEPS, list};

use crate::clock::Clock;

/// Longest key. A key goes into every notification, together with the value.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;

/// Every setting of a map, in one value. Every setter says its default; times longer than a year count as a year.
///
/// [`ClientBuilder::maps`](crate::ClientBuilder::maps) takes the settings of all maps of a client,
/// [`MapBuilder::settings`](crate::MapBuilder::settings) those of one map.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use std::time::Duration;
/// # let client = rmap_client::Client::in_memory();
/// use rmap_client::MapSettings;
///
/// let watchful = MapSettings::default().probe_interval(Duration::from_secs(1)).value_bytes(64 << 10);
/// let flags = client.map("flags").settings(watchful).join().await?;
/// # assert!(flags.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSettings {
    pub(crate) replica: ReplicaSettings,
    pub(crate) value_bytes: usize,
    pub(crate) batch_steps: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) lists: list::Limit,
    pub(crate) inbox: Bound,
    pub(crate) unread: Bound,
    pub(crate) join_timeout: Duration,
    pub(crate) sync_timeout: Duration,
}

/// The bounds of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

impl Default for MapSettings {
    fn default() -> Self {
        Self {
            replica: ReplicaSettings::default(),
            value_bytes: MAX_BATCH_BYTES,
            batch_steps: 1_000,
            batch_bytes: 4 << 20,
            lists: list::Limit::default(),
            inbox: Bound { count: 1 << 16, bytes: 64 << 20 },
            unread: Bound { count: 4096, bytes: 16 << 20 },
            join_timeout: Duration::from_secs(10),
            sync_timeout: Duration::from_secs(10),
        }
    }
}

/// Time limits.
impl MapSettings {
    /// Longest time that a join may go without progress; default 10 s.
    ///
    /// The time restarts with every page of a large map. It does not pass while a reply is late and the connections
    /// show life, see [`patience`](Self::patience): on a slow line a join takes as long as its content. For a strict
    /// limit wrap the join in [`tokio::time::timeout`].
    #[must_use]
    pub const fn join_timeout(mut self, timeout: Duration) -> Self {
        self.join_timeout = timeout;
        self
    }

    /// Longest time that [`Map::sync`](crate::Map::sync) may take; default 10 s.
    #[must_use]
    pub const fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.sync_timeout = timeout;
        self
    }

    /// Time after which an answer of the server counts as late; default 2 s, least 1 ms.
    ///
    /// While the connections show life, the map keeps waiting, see [`patience`](Self::patience). Otherwise it asks
    /// again after this time, and has the connections replaced after twice this time.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.replica = self.replica.request_timeout(timeout);
        self
    }

    /// Longest step of the wait for a late answer while the connections show life; default 60 s.
    ///
    /// The steps begin with [`request_timeout`](Self::request_timeout) and double. After a step of this length
    /// without an answer the map has the connections replaced: 122 s after the request by default. The step is
    /// doubled for the next pair of connections, up to 16 times, until the content is proven again.
    #[must_use]
    pub fn patience(mut self, longest: Duration) -> Self {
        self.replica = self.replica.patience(longest);
        self
    }
}

/// Proofs of freshness: probes, verifications, resyncs.
impl MapSettings {
    /// Longest time between two probes of a live map; default 5 s, least 1 ms.
    ///
    /// A silent loss is found after at most this time. Each probe starts a little earlier, by a random amount, so
    /// that processes do not probe in step.
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.replica = self.replica.probe_interval(interval);
        self
    }

    /// Shortest time from a proof of freshness to the probe that checks whether the hash has expired; default 100 ms.
    #[must_use]
    pub fn probe_floor(mut self, floor: Duration) -> Self {
        self.replica = self.replica.probe_floor(floor);
        self
    }

    /// Longest time from the start of one verification of a live map to the start of the next; default `None`: never.
    /// Least 1 ms.
    ///
    /// A verification compares every entry with the server's, as [`Map::verify`](crate::Map::verify) does, at 1 % of
    /// the server's pace. A difference is found within one interval plus the duration of one verification, or within
    /// two such durations if a verification takes longer than the interval.
    ///
    /// Whatever this setting, one verification follows every reconnect that skipped the snapshot of a large map.
    #[must_use]
    pub fn verify_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.replica = self.replica.verify_interval(interval);
        self
    }

    /// Time to live of the hash that other handles set with their writes; default `None`: they set none.
    ///
    /// This time and 2 ms after a change the map sends a probe, so that it notices an expiry at once. A map that is
    /// joined with [`ttl`](crate::MapBuilder::ttl) or [`sliding_ttl`](crate::MapBuilder::sliding_ttl) uses that time
    /// here.
    #[must_use]
    pub fn expires_after(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.replica = self.replica.expires_after(ttl);
        self
    }

    /// Chooses between following and keeping when the server has no hash for the map any more: after FLUSHALL, an empty
    /// restart, an expiry or an eviction. Default [`WhenLost::Follow`], which empties the map.
    ///
    /// With [`WhenLost::Keep`] the map serves its last content on, in the phase [`Kept`](rmap_core::Phase::Kept). Meanwhile
    /// [`fresh`](crate::Map::fresh), [`sync`](crate::Map::sync) and [`verify`](crate::Map::verify) refuse, waits end as broken, and
    /// no change is emitted. **The first write of anybody makes a hash and ends it: all other keys go then.**
    /// [`Map::follow`](crate::Map::follow) ends it, too. `reset` and `destroy` are no losses.
    ///
    /// A map that expires regularly, by a [time to live](crate::MapBuilder::ttl), is not to be kept: each expiry counts as a
    /// loss.
    ///
    /// ```
    /// use rmap_client::{Client, MapSettings, WhenLost};
    ///
    /// // All maps of the client, unless they have settings of their own.
    /// let client = Client::builder().maps(MapSettings::default().when_lost(WhenLost::Keep));
    /// # drop(client);
    /// ```
    #[must_use]
    pub fn when_lost(mut self, when_lost: WhenLost) -> Self {
        self.replica = self.replica.when_lost(when_lost);
        self
    }

    /// Longest random delay of the first request after a reconnect; default 250 ms.
    ///
    /// It spreads out the requests of all processes after their server has come back.
    #[must_use]
    pub fn reconnect_jitter(mut self, jitter: Duration) -> Self {
        self.replica = self.replica.reconnect_jitter(jitter);
        self
    }

    /// Least and greatest time between the starts of two resyncs; default 50 ms and 5 s, least 1 ms.
    ///
    /// The time doubles with every further resync. It drops back to the least once the map has followed its server
    /// for as long as the greatest.
    #[must_use]
    pub fn resync_interval(mut self, min: Duration, max: Duration) -> Self {
        self.replica = self.replica.resync_interval(min, max);
        self
    }
}

/// Reading a hash.
impl MapSettings {
    /// Largest hash that is read in one step, in fields and in bytes of fields and values; default 1,000 and 1 MiB.
    ///
    /// A larger hash is scanned in pages, so that the server is never blocked for long.
    #[must_use]
    pub fn small_map(mut self, fields: u64, bytes: u64) -> Self {
        self.replica = self.replica.small_map(fields, bytes);
        self
    }

    /// About how many fields a page of a scan holds at most; default 500, least 1, greatest 2^32 - 1.
    ///
    /// Pages of large values hold fewer. Two pages are in flight at a time.
    #[must_use]
    pub fn page_fields(mut self, fields: u64) -> Self {
        self.replica = self.replica.page_fields(fields);
        self
    }

    /// Most notifications that are held while a snapshot is in flight, in number and bytes; default 2^20 and 64 MiB.
    ///
    /// Beyond that the map gives up the snapshot and requests a new one. The same bounds apply to one atomic batch.
    #[must_use]
    pub fn held(mut self, messages: usize, bytes: usize) -> Self {
        self.replica = self.replica.held(messages, bytes);
        self
    }

    /// Entries compared per step after a resync replaced the content; default 20,000, least 1.
    ///
    /// For a large map a step compares at least a 64th of its entries, old and new.
    #[must_use]
    pub fn compared(mut self, entries: usize) -> Self {
        self.replica = self.replica.compared(entries);
        self
    }
}

/// Sizes of writes, and bounds of what waits in this process.
impl MapSettings {
    /// Longest value, in bytes; default and greatest: 16 MiB. Lists have [their own limit](Self::list_bytes).
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
    /// A batch is one step of the server, which answers nobody else meanwhile.
    #[must_use]
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes.min(MAX_BATCH_BYTES);
        self
    }

    /// Most items of a list that an operation writes, and of the items given to one operation; default 100,000.
    ///
    /// For each change the server reads and writes the whole list, and answers nobody else meanwhile: 0.6 ms for
    /// 1,000 items. All list steps of one batch together may read and write as much as eight of the longest lists.
    #[must_use]
    pub fn list_items(mut self, items: usize) -> Self {
        self.lists = list::Limit::new(items, self.lists.bytes());
        self
    }

    /// Most bytes of a stored list that an operation writes, and of the items given to one operation; default 1 MiB,
    /// greatest 16 MiB.
    #[must_use]
    pub fn list_bytes(mut self, bytes: usize) -> Self {
        self.lists = list::Limit::new(self.lists.items(), bytes);
        self
    }

    /// Most messages and bytes that wait for the task of one map; default 65,536 and 64 MiB.
    ///
    /// Beyond a bound the client drops the waiting messages, and the map resyncs. A single message of more bytes
    /// still passes. The [sum over all maps](ClientSettings::received_in_sum) of the client is bounded, too.
    #[must_use]
    pub fn inbox(mut self, messages: usize, bytes: usize) -> Self {
        self.inbox = Bound { count: messages.max(1), bytes };
        self
    }

    /// Backlog at which streams of [`changes`](crate::Map::changes) start to merge changes of the same key; default
    /// 4,096 changes and 16 MiB.
    ///
    /// The newest changes within these bounds stay as they are; [`Changes`](crate::Changes) folds the older ones. The
    /// [sum over all streams](ClientSettings::unread_changes_in_sum) of the client is bounded, too.
    #[must_use]
    pub fn unread_changes(mut self, changes: usize, bytes: usize) -> Self {
        self.unread = Bound { count: changes, bytes };
        self
    }
}

/// Every setting of a client, including the [settings of its maps](Self::maps). Every setter says its default.
///
/// [`ClientBuilder`](crate::ClientBuilder) has the same setters; use this value to make settings in one place and
/// connect in another.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub(crate) maps: MapSettings,
    /// `None`: the transport's default.
    #[cfg(feature = "fred")]
    pub(crate) connect_timeout: Option<Duration>,
    /// `None`: the transport's default.
    #[cfg(feature = "fred")]
    pub(crate) command_timeout: Option<Duration>,
    /// `None`: the system's clock.
    pub(crate) clock: Option<Arc<dyn Clock>>,
    /// Bytes of unread changes over all maps.
    pub(crate) unread: usize,
    /// Bytes of messages that wait over all maps.
    pub(crate) received: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            maps: MapSettings::default(),
            #[cfg(feature = "fred")]
            connect_timeout: None,
            #[cfg(feature = "fred")]
            command_timeout: None,
            clock: None,
            unread: 64 << 20,
            received: 256 << 20,
        }
    }
}

impl ClientSettings {
    /// Settings of every map that has no settings of its own; default [`MapSettings::default`].
    #[must_use]
    pub fn maps(mut self, settings: MapSettings) -> Self {
        self.maps = settings;
        self
    }

    /// Longest time to make both connections, at first and after a loss; default 5 s, at most a year.
    #[cfg(feature = "fred")]
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Longest time to wait for the answer to a write, whose outcome is indeterminate afterwards; default 5 s, at
    /// most a year.
    #[cfg(feature = "fred")]
    #[must_use]
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = Some(timeout);
        self
    }

    /// Most bytes of unread changes over all streams of [`changes`](crate::Map::changes) of the client; default 64
    /// MiB.
    ///
    /// Beyond it every stream folds, as it does beyond the [bound](MapSettings::unread_changes) of its map. Folded
    /// changes stay on top of the bound: one for each key between two streams at different places.
    #[must_use]
    pub const fn unread_changes_in_sum(mut self, bytes: usize) -> Self {
        self.unread = bytes;
        self
    }

    /// Most bytes of messages that wait over all maps of the client, for a map's task or for a snapshot; default 256
    /// MiB.
    ///
    /// Beyond it a map that receives another message drops its waiting messages and resyncs, as it does beyond its
    /// own [bound](MapSettings::inbox).
    #[must_use]
    pub const fn received_in_sum(mut self, bytes: usize) -> Self {
        self.received = bytes;
        self
    }

    /// The clock that measures staleness and schedules probes; default [`SystemClock`](crate::SystemClock), which
    /// also counts the time that the computer sleeps.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

#[cfg(test)]
mod tests;
