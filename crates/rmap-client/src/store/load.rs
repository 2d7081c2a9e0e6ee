//! Reading a store when its map starts.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmap_core::stored::Header;
use rmap_core::{Replica, Staging, StoredContent};
use rmap_proto::MapName;

use super::status::{StoreFound, StoreState};
use super::{Opened, Store, StoreFault};
use crate::clock::Timeline;

/// A store of at most so many bytes is read at once where nobody waits for the join; reading takes about 10 ms.
pub(crate) const AT_ONCE: u64 = 8 << 20;

/// Longest time that the map waits for a store to be read.
pub(crate) const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// Longest time that a join waits for the lock of a store.
pub(crate) const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// A content for [`Replica::restore`].
type Restorable = (StoredContent, Staging);

/// The state of a store that was read, and the content to show.
pub(crate) struct Read {
    found: StoreFound,
    content: Option<Restorable>,
}

impl Read {
    /// Reading took too long.
    pub(crate) const fn too_slow() -> Self {
        Self { found: StoreFound::TooSlow, content: None }
    }
}

/// A map's store, opened.
#[derive(Debug, Clone)]
pub(crate) struct MapStore {
    pub(super) map: MapName,
    pub(super) store: Store,
    /// `None`: it could not be opened, as the status says.
    pub(super) opened: Option<Arc<Opened>>,
    pub(super) state: Arc<StoreState>,
    at_once: bool,
}

impl MapStore {
    /// Opens the store. Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreFault::InUse`]. Every other fault is noted, and the map goes on without its store.
    pub(crate) fn open(store: Store, map: MapName) -> Result<Self, StoreFault> {
        let state = Arc::new(StoreState::new());
        let opened = match store.open() {
            Ok(opened) => Some(Arc::new(opened)),
            Err(fault @ StoreFault::InUse { .. }) => return Err(fault),
            Err(fault) => {
                state.found(StoreFound::Ignored(fault.clone()));
                state.cannot_write(fault);
                None
            }
        };
        if let Some(fault) = opened.as_ref().and_then(|opened| opened.read_only()) {
            state.cannot_write(fault.clone());
        }
        Ok(Self { map, store, opened, state, at_once: false })
    }

    /// A store that could not be opened in time. It may be opened later.
    pub(crate) fn not_opened(store: Store, map: MapName) -> Self {
        let state = Arc::new(StoreState::new());
        state.found(StoreFound::TooSlow);
        state.cannot_write(store.too_slow());
        Self { map, store, opened: None, state, at_once: false }
    }

    pub(crate) const fn state(&self) -> &Arc<StoreState> {
        &self.state
    }

    /// True when nothing was read yet.
    pub(crate) fn is_to_be_read(&self) -> bool {
        self.opened.is_some() && self.state.get().found == StoreFound::Loading
    }

    /// Has a small store read before the first turn of the map's task.
    pub(crate) const fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// True when the content is to be there at once, and reading it takes about as long as starting a task.
    pub(crate) fn shows_at_once(&self) -> bool {
        self.at_once
            && self.is_to_be_read()
            && self.opened.as_ref().is_some_and(|opened| opened.size() <= AT_ONCE)
    }

    /// Reads the store into the staging table. Blocks. The status says nothing of it before [`show`](Self::show).
    pub(crate) fn read(&self, clock: &Timeline, staging: Staging) -> Read {
        let Some(opened) = &self.opened else {
            return Read { found: self.state.get().found.clone(), content: None };
        };
        match self.try_read(opened, clock, staging) {
            Ok(Some((found, content))) => Read { found, content: Some(content) },
            Ok(None) => Read { found: StoreFound::Nothing, content: None },
            Err(fault) => Read { found: StoreFound::Ignored(fault), content: None },
        }
    }

    /// Shows what was read, and notes it.
    pub(crate) fn show(&self, read: Read, replica: &mut Replica) {
        let Read { found, content } = read;
        match &found {
            StoreFound::Content { age: None, .. } => {
                tracing::warn!(store = %found, "the stored content is shown, and nobody knows its age");
            }
            StoreFound::Content { .. } => tracing::info!(store = %found, "the stored content is shown"),
            StoreFound::Ignored(fault) => tracing::warn!(%fault, "the stored content is ignored"),
            StoreFound::TooSlow => tracing::warn!("the store could not be read in time"),
            StoreFound::Loading | StoreFound::Nothing => {}
        }
        if let Some((content, staging)) = content {
            replica.restore(content, staging);
        }
        self.state.found(found);
    }

    fn try_read(
        &self,
        opened: &Opened,
        clock: &Timeline,
        mut staging: Staging,
    ) -> Result<Option<(StoreFound, Restorable)>, StoreFault> {
        let Some(bytes) = opened.read()? else { return Ok(None) };
        let stored = opened.decode(&bytes, &self.map)?;
        staging.reserve(stored.len() as u64);
        stored.entries().for_each(|(key, value)| staging.set(key, value));
        let header = stored.header();
        let age = age(header);
        let whole = stored.left_out() == 0;
        let content = StoredContent::new(header.revision, header.fields)
            .proof(header.proof.clone().filter(|_| whole))
            .fresh_at(age.map(|age| clock.now().saturating_sub(age)));
        let found = StoreFound::Content {
            entries: stored.len() as u64,
            bytes: bytes.len() as u64,
            age,
            from_the_future: is_from_the_future(header),
        };
        Ok(Some((found, (content, staging))))
    }
}

/// The age of the proof; `None` when the file lies in the future of this computer's clock, which then went back.
fn age(header: &Header) -> Option<Duration> {
    let proven_at = time(header.proven_at?)?;
    SystemTime::now().duration_since(proven_at).ok().filter(|_| !is_from_the_future(header))
}

fn is_from_the_future(header: &Header) -> bool {
    time(header.written_at).is_none_or(|written_at| written_at > SystemTime::now())
}

fn time(millis: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}
