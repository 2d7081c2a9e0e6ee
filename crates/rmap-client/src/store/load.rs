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
const AT_ONCE: u64 = 8 << 20;

/// Longest time that the map waits for a store to be read.
pub(crate) const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// A content for [`Replica::restore`].
type Restorable = (StoredContent, Staging);

/// A map's store, opened.
#[derive(Debug, Clone)]
pub(crate) struct MapStore {
    pub(super) map: MapName,
    pub(super) store: Store,
    /// `None`: it could not be opened, as the status says.
    pub(super) opened: Option<Arc<Opened>>,
    pub(super) state: Arc<StoreState>,
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
        Ok(Self { map, store, opened, state })
    }

    pub(crate) const fn state(&self) -> &Arc<StoreState> {
        &self.state
    }

    /// True when nothing was read yet.
    pub(crate) fn is_to_be_read(&self) -> bool {
        self.opened.is_some() && self.state.get().found == StoreFound::Loading
    }

    /// True when reading takes about as long as starting a task.
    pub(crate) fn is_small(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.size() <= AT_ONCE)
    }

    /// Reads the store into the staging table. Blocks. `None`: there is nothing to show, as the status says.
    pub(crate) fn read(&self, clock: &Timeline, staging: Staging) -> Option<Restorable> {
        let opened = self.opened.as_ref()?;
        let read = self.try_read(opened, clock, staging);
        match read {
            Ok(Some((found, content))) => {
                tracing::info!(store = %found, "the stored content is shown");
                self.state.found(found);
                Some(content)
            }
            Ok(None) => {
                self.state.found(StoreFound::Nothing);
                None
            }
            Err(fault) => {
                tracing::warn!(%fault, "the stored content is ignored");
                self.state.found(StoreFound::Ignored(fault));
                None
            }
        }
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
        let found = StoreFound::Content { entries: stored.len() as u64, bytes: bytes.len() as u64, age };
        Ok(Some((found, (content, staging))))
    }

    /// Notes that the map went on before the store was read.
    pub(crate) fn too_slow(&self) {
        tracing::warn!("the store could not be read in time");
        self.state.found(StoreFound::TooSlow);
    }

    /// Reads the store and shows its content. Blocks.
    pub(crate) fn restore(&self, clock: &Timeline, replica: &mut Replica) {
        if let Some((content, staging)) = self.read(clock, replica.staging()) {
            replica.restore(content, staging);
        }
    }
}

/// The age of the proof; `None` when its time lies in the future of this computer's clock.
fn age(header: &Header) -> Option<Duration> {
    let proven_at = UNIX_EPOCH.checked_add(Duration::from_millis(header.proven_at?))?;
    SystemTime::now().duration_since(proven_at).ok()
}
