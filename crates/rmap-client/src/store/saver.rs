//! When a map's content is stored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmap_core::stored::Header;
use rmap_core::{Phase, Replica, View};
use tokio::time::Instant;

use super::load::MapStore;
use super::{Opened, Saved, Store, StoreFault};
use crate::clock::Timeline;

/// Bytes that an interval between two writes of an unchanged content is worth. A content is stored again, although it
/// did not change, to keep the age of its proof low: after as many intervals as it has such bytes, so that an idle map
/// costs the disk little.
const REFRESHED: u64 = 64 << 10;

/// Longest time between two writes of a content that does not change but is proven.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The schedule of a map's store. It is the map's task that has it.
#[derive(Debug)]
pub(crate) struct Saver {
    store: MapStore,
    /// True when the content changed since it was last stored.
    changed: bool,
    /// The proof of the content that is stored.
    stored_fresh_at: Option<Duration>,
    due: Option<Instant>,
    is_writing: bool,
}

/// A write of a store, which any thread may carry out.
pub(crate) struct Save {
    store: Store,
    /// `None`: it could not be opened or locked before.
    opened: Option<Arc<Opened>>,
    header: Header,
    view: View,
}

/// The end of a write.
pub(crate) struct SaveEnded {
    outcome: Result<Saved, StoreFault>,
    opened: Option<Arc<Opened>>,
}

impl Save {
    /// Writes. Blocks. A store that could not be opened before is tried again.
    pub(crate) fn run(self) -> SaveEnded {
        let Self { store, opened, header, view } = self;
        let opened = match opened.map_or_else(|| store.open().map(Arc::new), Ok) {
            Ok(opened) => opened,
            Err(fault) => return SaveEnded { outcome: Err(fault), opened: None },
        };
        let entries = || view.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        // The closure is the user's, and a panic must not end the map.
        let outcome = catch_unwind(AssertUnwindSafe(|| opened.write(&header, entries())))
            .unwrap_or_else(|_| Err(StoreFault::Panicked { path: opened.path() }));
        SaveEnded { outcome, opened: Some(opened).filter(|opened| opened.read_only().is_none()) }
    }
}

impl Saver {
    pub(crate) const fn new(store: MapStore) -> Self {
        Self { store, changed: false, stored_fresh_at: None, due: None, is_writing: false }
    }

    pub(crate) const fn store(&self) -> &MapStore {
        &self.store
    }

    /// Notes the content that was read: a later proof of it is worth storing.
    pub(crate) fn restored(&mut self, fresh_at: Option<Duration>, now: Instant) {
        self.stored_fresh_at = fresh_at;
        self.plan(now, self.store.store.every());
    }

    /// Notes a change of the content. What was read from the store itself is none.
    pub(crate) fn note_change(&mut self, replica: &Replica, now: Instant) {
        if !replica.status().is_stored() {
            self.changed = true;
            self.plan(now, self.store.store.every());
        }
    }

    /// The time of the next write.
    pub(crate) const fn due(&self) -> Option<Instant> {
        if self.is_writing { None } else { self.due }
    }

    /// The write that is due, if there is something to write.
    pub(crate) fn poll(&mut self, now: Instant, replica: &Replica, clock: &Timeline) -> Option<Save> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        self.due = None;
        let worthwhile = self.changed || replica.status().fresh_at > self.stored_fresh_at;
        let save = if worthwhile { self.save(replica, clock) } else { None };
        self.is_writing = save.is_some();
        if save.is_none() {
            self.plan(now, self.store.store.every());
        }
        save
    }

    /// Notes the end of a write.
    pub(crate) fn ended(&mut self, now: Instant, ended: SaveEnded) {
        let SaveEnded { outcome, opened } = ended;
        self.is_writing = false;
        self.store.opened = opened;
        let every = self.store.store.every();
        match &outcome {
            Ok(saved) => {
                let intervals = u32::try_from(1 + saved.bytes / REFRESHED).unwrap_or(u32::MAX);
                self.plan(now, every.saturating_mul(intervals).min(LONGEST.max(every)));
            }
            Err(_) => {
                self.changed = true;
                self.plan(now, every);
            }
        }
        self.store.state.written(outcome);
    }

    /// The last write, when the map closes.
    pub(crate) fn last(&mut self, replica: &Replica, clock: &Timeline) -> Option<Save> {
        let every = self.store.store.every();
        let newer = match (replica.status().fresh_at, self.stored_fresh_at) {
            (Some(proven), Some(stored)) => proven.saturating_sub(stored) > every,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if self.changed || newer { self.save(replica, clock) } else { None }
    }

    /// True while a write is in flight.
    pub(crate) const fn is_writing(&self) -> bool {
        self.is_writing
    }

    fn plan(&mut self, now: Instant, after: Duration) {
        let at = now.checked_add(after);
        self.due = match (self.due, at) {
            (Some(due), Some(at)) => Some(due.min(at)),
            (due, at) => due.or(at),
        };
    }

    /// The present content, if a server proved it in this process, or what it followed from, and has it still.
    fn save(&mut self, replica: &Replica, clock: &Timeline) -> Option<Save> {
        let status = replica.status();
        if status.is_stored() || status.phase == Phase::Kept {
            return None;
        }
        let fresh_at = status.fresh_at?;
        let (now, age) = (SystemTime::now(), clock.now().saturating_sub(fresh_at));
        let view = replica.reader().view();
        let mut header = Header::new(self.store.map.clone(), millis(now));
        header.revision = view.revision();
        header.fields = replica.fields();
        header.proof = replica.proof().cloned();
        header.proven_at = now.checked_sub(age).map(millis);
        self.changed = false;
        self.stored_fresh_at = Some(fresh_at);
        let opened = self.store.opened.clone().filter(|opened| opened.read_only().is_none());
        Some(Save { store: self.store.store.clone(), opened, header, view })
    }
}

/// Milliseconds since the Unix epoch. A clock before 1970 counts as 1970.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
