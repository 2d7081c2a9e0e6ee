//! The statistics of maps and clients.
//!
//! The map's task counts in plain fields and publishes them once per turn. Writes count themselves when they end.

#[cfg(feature = "serde")]
mod serialize;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmap_core::{Phase, Reader, Resyncs};
use rmap_proto::Revision;
use tokio::sync::watch;

use crate::Outcome;
use crate::clock::Timeline;
use crate::inbox::Inbox;
use crate::router::Router;
use crate::status::Status;
use crate::store::StoreState;
use crate::sum::Sums;
use crate::transport::GroupStats;

/// Statistics of a map, from [`Map::stats`](crate::Map::stats): its size, and counts of what has happened to it.
///
/// Each count begins at 0 when the map is joined. All handles of one join share the counts. With the feature `serde` it is an
/// object of these fields; those of times end with `_seconds`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let flags = rmap_client::Client::in_memory().map("flags").join().await?;
/// flags.set("dark-mode", "on").visible().await?;
/// let stats = flags.stats();
/// println!("{} entries of {} bytes, {} notifications", stats.entries, stats.bytes, stats.notifications);
/// for (outcome, count) in stats.writes.by_outcome() {
///     println!("{outcome}: {count} writes");
/// }
/// for (reason, count) in stats.resyncs.by_reason() {
///     println!("{reason}: {count} resyncs");
/// }
/// # assert_eq!((stats.entries, stats.bytes, stats.notifications), (1, 11, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MapStats {
    /// Number of entries.
    pub entries: usize,
    /// Bytes of all keys and values. What the table needs beside them does not count.
    pub bytes: u64,
    /// Revision of the content; `None` when the server has no hash for the map.
    pub revision: Option<Revision>,
    /// Age of the last proof that the content was what the server held; see [`Status::staleness`].
    pub staleness: Option<Duration>,
    /// The phase of the map.
    pub phase: Phase,
    /// Time that the map has been in this phase.
    pub phase_age: Duration,
    /// True while the content must still be verified; see [`Status::is_in_doubt`].
    pub in_doubt: bool,
    /// Resyncs while connected, by cause. A reconnect is counted by [`ClientStats::reconnects`].
    pub resyncs: Resyncs,
    /// Entries that a verification found to differ from the server's, and corrected.
    pub differed: u64,
    /// Notifications that the map's task has taken.
    pub notifications: u64,
    /// Bytes of these notifications.
    pub notification_bytes: u64,
    /// Writes of all handles that have ended, by outcome.
    pub writes: WriteStats,
    /// Messages that were received and wait for the map's task.
    pub inbox: InboxStats,
    /// Time from the request of the last probe to its reply, on the connections that stand now. `None` before the first probe.
    pub probe_round_trip: Option<Duration>,
}

/// Writes that have ended, by [`Outcome`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// map.set("theme", "dark").await?;
/// map.delete("font").await?;
/// let writes = map.stats().writes;
/// assert_eq!((writes.committed, writes.not_applied, writes.rejected, writes.indeterminate), (1, 1, 0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteStats {
    /// Carried out, with a change.
    pub committed: u64,
    /// Carried out without a change: the condition did not hold, or there was nothing to change.
    pub not_applied: u64,
    /// Refused, here or by the server, or not sent. Nothing changed.
    pub rejected: u64,
    /// Nobody knows whether they were carried out. A write whose future was dropped while it was in flight counts here.
    pub indeterminate: u64,
}

impl WriteStats {
    /// Each outcome with its number, by the name of its field.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// for (outcome, count) in map.stats().writes.by_outcome() {
    ///     println!("{outcome}: {count}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn by_outcome(&self) -> [(&'static str, u64); 4] {
        [
            ("committed", self.committed),
            ("not_applied", self.not_applied),
            ("rejected", self.rejected),
            ("indeterminate", self.indeterminate),
        ]
    }
}

/// Messages that wait for a map's task.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let inbox = map.stats().inbox;
/// println!("{} messages of {} bytes wait, {} were dropped", inbox.messages, inbox.bytes, inbox.dropped);
/// # assert_eq!(inbox.dropped, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxStats {
    /// Number of messages that wait now.
    pub messages: usize,
    /// Bytes of these messages.
    pub bytes: usize,
    /// Messages that were dropped so far because [too many](crate::MapSettings::inbox) waited. A resync followed each time.
    pub dropped: u64,
}

/// Statistics of a client's connections, from [`Client::stats`](crate::Client::stats). With the feature `serde` it is an object
/// of these fields.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// let stats = rmap_client::Client::in_memory().stats();
/// assert_eq!((stats.maps, stats.reconnects, stats.lost_messages), (0, 0, 0));
/// // In memory no writes are grouped.
/// assert!(stats.groups.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ClientStats {
    /// Number of maps that are joined and not closed.
    pub maps: usize,
    /// True while both connections stand.
    pub connected: bool,
    /// Number of times both connections were made again after a loss.
    pub reconnects: u64,
    /// Messages that the transport reported as lost on the way to this process, as far as known. All maps resynced each time.
    pub lost_messages: u64,
    /// Bytes of messages that wait in all inboxes or are held for a snapshot, in steps of 4 KiB per map; see
    /// [`received_in_sum`](crate::ClientSettings::received_in_sum).
    pub received_bytes: usize,
    /// Bytes of changes that streams have not read, in steps of 4 KiB per map; see
    /// [`unread_changes_in_sum`](crate::ClientSettings::unread_changes_in_sum).
    pub unread_bytes: usize,
    /// Writes that were sent alone and together; `None` where the transport groups none, as in memory.
    pub groups: Option<GroupStats>,
}

impl ClientStats {
    pub(crate) fn of(router: &Router, sums: &Sums) -> Self {
        let link = router.stats();
        Self {
            maps: link.maps,
            connected: link.connected,
            reconnects: link.pairs.saturating_sub(1),
            lost_messages: link.missed,
            received_bytes: sums.received.bytes(),
            unread_bytes: sums.unread.bytes(),
            groups: router.transport().groups(),
        }
    }
}

/// Counters that the map's task publishes, and those of writes.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    notifications: AtomicU64,
    notification_bytes: AtomicU64,
    committed: AtomicU64,
    not_applied: AtomicU64,
    rejected: AtomicU64,
    indeterminate: AtomicU64,
}

impl Tallies {
    /// Publishes what the map's task has counted in sum. Only that task calls this.
    pub(crate) fn publish(&self, notifications: u64, bytes: u64) {
        self.notifications.store(notifications, Ordering::Relaxed);
        self.notification_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Counts a write that has ended.
    pub(crate) fn count(&self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Committed => &self.committed,
            Outcome::NotApplied => &self.not_applied,
            Outcome::Rejected => &self.rejected,
            Outcome::Indeterminate => &self.indeterminate,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn writes(&self) -> WriteStats {
        WriteStats {
            committed: self.committed.load(Ordering::Relaxed),
            not_applied: self.not_applied.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            indeterminate: self.indeterminate.load(Ordering::Relaxed),
        }
    }
}

/// The sources of one map's statistics.
#[derive(Debug)]
pub(crate) struct Source {
    #[cfg(feature = "metrics")]
    pub(crate) name: rmap_proto::MapName,
    pub(crate) reader: Reader,
    pub(crate) status: watch::Receiver<rmap_core::ReplicaStatus>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) tallies: Arc<Tallies>,
    pub(crate) clock: Timeline,
    pub(crate) store: Option<Arc<StoreState>>,
}

impl Source {
    pub(crate) fn status(&self) -> Status {
        let mut status = self.status.borrow().clone();
        // The revision moves with every notification, without a word.
        status.revision = self.reader.revision();
        Status::new(status, self.clock.clone(), self.store.as_ref().map(|store| store.get()))
    }

    pub(crate) fn stats(&self) -> MapStats {
        let (status, waiting) = (self.status(), self.inbox.waiting());
        MapStats {
            entries: self.reader.len(),
            bytes: self.reader.bytes(),
            revision: status.revision(),
            staleness: status.staleness(),
            phase: status.phase(),
            phase_age: status.phase_age(),
            in_doubt: status.is_in_doubt(),
            resyncs: status.resyncs_by_reason(),
            differed: status.differed(),
            notifications: self.tallies.notifications.load(Ordering::Relaxed),
            notification_bytes: self.tallies.notification_bytes.load(Ordering::Relaxed),
            writes: self.tallies.writes(),
            inbox: InboxStats { messages: waiting.count, bytes: waiting.bytes, dropped: waiting.dropped },
            probe_round_trip: status.probe_round_trip(),
        }
    }
}
