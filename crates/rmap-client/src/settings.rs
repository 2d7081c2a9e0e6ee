//! Settings of maps and of clients.

use std::sync::Arc;
use std::time::Duration;

use rmap_core::ReplicaSettings;
use rmap_proto::{MAX_BATCH_BYTES, MAX_BATCH_STEPS, list};

use crate::clock::Clock;

/// Longest key: it goes into every notification, together with the value.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;

/// Everything that can be set for a map, in one value. Every setter says its default; times longer than a year count as a year.
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

/// How much a queue may hold.
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

/// How long things may take.
impl MapSettings {
    /// How long a join may go without progress; default 10 s.
    ///
    /// It begins again with every page of a large map, and waits while a reply is late and the connections show life, as
    /// [`patience`](Self::patience) has it: on a slow line a join takes as long as its content. For a strict limit wrap the
    /// join in [`tokio::time::timeout`].
    #[must_use]
    pub const fn join_timeout(mut self, timeout: Duration) -> Self {
        self.join_timeout = timeout;
        self
    }

    /// How long [`Map::sync`](crate::Map::sync) may take; default 10 s.
    #[must_use]
    pub const fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.sync_timeout = timeout;
        self
    }

    /// Time after which an answer of the server counts as late; default 2 s, least 1 ms.
    ///
    /// While the connections show life the map waits on, see [`patience`](Self::patience). Otherwise it asks again after
    /// the first such time, and has the connections replaced after the second.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.replica = self.replica.request_timeout(timeout);
        self
    }

    /// Longest step by which the wait for a late answer is prolonged while the connections show life; default 60 s.
    ///
    /// The steps begin with [`request_timeout`](Self::request_timeout) and double. After a step of this length without an
    /// answer the map has the connections replaced: 122 s after the request by default. The step is doubled for the next
    /// pair of connections, up to 16 times, until the content is proven again.
    #[must_use]
    pub fn patience(mut self, longest: Duration) -> Self {
        self.replica = self.replica.patience(longest);
        self
    }
}

/// How closely a map follows its server.
impl MapSettings {
    /// Longest time between two probes of a live map; default 5 s, least 1 ms.
    ///
    /// Whatever was lost silently is found after at most this time. Each probe is a little earlier by chance, so that
    /// processes do not probe in step.
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.replica = self.replica.probe_interval(interval);
        self
    }

    /// Shortest time from a proof of freshness to the probe that is made because the hash should have expired; default
    /// 100 ms.
    #[must_use]
    pub fn probe_floor(mut self, floor: Duration) -> Self {
        self.replica = self.replica.probe_floor(floor);
        self
    }

    /// Longest time from the start of one verification of a live map to the start of the next; default `None`: never.
    /// Least 1 ms.
    ///
    /// A verification compares every entry with the server's, as [`Map::verify`](crate::Map::verify) does, at 1 % of the
    /// server's pace. A difference is found within one interval and the time of one verification, or within two such times
    /// where they are longer.
    ///
    /// One verification always follows a reconnect that skipped the snapshot of a large map, whatever is set here.
    #[must_use]
    pub fn verify_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.replica = self.replica.verify_interval(interval);
        self
    }

    /// How long the hash lives after a write, as far as other handles set it; default `None`: they do not.
    ///
    /// A change is followed by a probe when this time and 2 ms have passed, so that an expiry is found at once. A map that is
    /// joined with [`ttl`](crate::MapBuilder::ttl) or [`sliding_ttl`](crate::MapBuilder::sliding_ttl) has that time here.
    #[must_use]
    pub fn expires_after(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.replica = self.replica.expires_after(ttl);
        self
    }

    /// Longest random delay of the first request after a reconnect; default 250 ms.
    ///
    /// It spreads out the processes of a server that comes back.
    #[must_use]
    pub fn reconnect_jitter(mut self, jitter: Duration) -> Self {
        self.replica = self.replica.reconnect_jitter(jitter);
        self
    }

    /// Least and greatest time between the starts of two resyncs; default 50 ms and 5 s, least 1 ms.
    ///
    /// The time doubles with every resync that follows another. It is the least again once the map was in step for as
    /// long as the greatest.
    #[must_use]
    pub fn resync_interval(mut self, min: Duration, max: Duration) -> Self {
        self.replica = self.replica.resync_interval(min, max);
        self
    }
}

/// How a hash is read.
impl MapSettings {
    /// Largest hash that is read in one step, in fields and in bytes of fields and values; default 1,000 and 1 MiB.
    ///
    /// A larger one is scanned in pages, so that the server is never blocked for long.
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
    /// Beyond that the snapshot is given up and asked for again. The same bounds hold for one atomic batch.
    #[must_use]
    pub fn held(mut self, messages: usize, bytes: usize) -> Self {
        self.replica = self.replica.held(messages, bytes);
        self
    }

    /// Entries compared per step after a resync replaced the content; default 20,000, least 1.
    ///
    /// Of a large map at least a 64th of its entries, old and new, is compared per step.
    #[must_use]
    pub fn compared(mut self, entries: usize) -> Self {
        self.replica = self.replica.compared(entries);
        self
    }
}

/// How much a write may carry, and how much may wait in this process.
impl MapSettings {
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
    /// have a [bound in sum](ClientSettings::received_in_sum).
    #[must_use]
    pub fn inbox(mut self, messages: usize, bytes: usize) -> Self {
        self.inbox = Bound { count: messages.max(1), bytes };
        self
    }

    /// Most changes and bytes that streams of [`changes`](crate::Map::changes) may leave unread; default 4,096 and 16 MiB.
    ///
    /// Of older ones, those of one key are folded into one. All streams of the client have a
    /// [bound in sum](ClientSettings::unread_changes_in_sum).
    #[must_use]
    pub fn unread_changes(mut self, changes: usize, bytes: usize) -> Self {
        self.unread = Bound { count: changes, bytes };
        self
    }
}

/// Everything that can be set for a client, the [settings of its maps](Self::maps) included. Every setter says its default.
///
/// [`ClientBuilder`](crate::ClientBuilder) has the same setters; this value can be made in one place and used in another.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub(crate) maps: MapSettings,
    /// `None`: the transport's default.
    #[cfg(feature = "fred")]
    pub(crate) connect_timeout: Option<Duration>,
    /// `None`: the transport's default.
    #[cfg(feature = "fred")]
    pub(crate) command_timeout: Option<Duration>,
    /// `None`: the system's.
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
    /// Settings of every map that has none of its own; default [`MapSettings::default`].
    #[must_use]
    pub fn maps(mut self, settings: MapSettings) -> Self {
        self.maps = settings;
        self
    }

    /// Time within which both connections must stand, now and after a loss; default 5 s, at most a year.
    #[cfg(feature = "fred")]
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Time within which a write must be answered, or else its outcome counts as unknown; default 5 s, at most a year.
    #[cfg(feature = "fred")]
    #[must_use]
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.command_timeout = Some(timeout);
        self
    }

    /// Most bytes of unread changes over all streams of [`changes`](crate::Map::changes) of the client; default 64 MiB.
    ///
    /// Beyond it every stream folds, as it does beyond the [bound](MapSettings::unread_changes) of its map. So at most that, and one
    /// change for each key between two streams that stand at different places.
    #[must_use]
    pub const fn unread_changes_in_sum(mut self, bytes: usize) -> Self {
        self.unread = bytes;
        self
    }

    /// Most bytes of messages that wait over all maps of the client, received and not yet taken by the map's task, or held
    /// until a snapshot is there; default 256 MiB.
    ///
    /// Beyond it a map that gets one more drops those that wait, and resyncs, as it does beyond the
    /// [bound](MapSettings::inbox) of its own.
    #[must_use]
    pub const fn received_in_sum(mut self, bytes: usize) -> Self {
        self.received = bytes;
        self
    }

    /// The clock that tells ages and when a map looks after its content; default [`SystemClock`](crate::SystemClock), which
    /// goes on while the computer sleeps.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
}

#[cfg(test)]
mod tests;
