//! Local reads of decoded values, and waits for them.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use rmap_proto::Revision;

use super::key::{KeyBytes, MapKey};
use super::rejected::Rejected;
use super::view::TypedView;
use super::{Inner, TypedMap};
use crate::Error;
use crate::map::Shows;
use crate::status::Status;
use crate::transport::BoxFuture;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// The value of a key, decoded when it changed: the last good one where the present one is rejected.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let limit = limits.get("requests").map_or(100, |limit| *limit);
    /// # assert_eq!(limit, 100);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<Arc<T>>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| self.inner.shared.table.get(key))
    }

    /// True when the key has a value.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| self.inner.shared.table.contains(key))
    }

    /// The number of keys that have a value. Rejected keys without a last good value do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.shared.table.len()
    }

    /// True when no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that have a value at this moment, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.view().iter().map(|entry| entry.key).collect()
    }

    /// The revision of the decoded content; `None` when the server has no hash for the map.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.inner.shared.table.mark().and_then(|mark| mark.progress.revision())
    }

    /// All keys and values at one revision. It never changes, and costs little to make and to clone.
    #[must_use]
    pub fn view(&self) -> TypedView<K, T> {
        let (shards, mark) = self.inner.shared.table.shards();
        TypedView::new(shards, mark.and_then(|mark| mark.progress.revision()))
    }

    /// The keys whose present value is rejected, in no particular order.
    #[must_use]
    pub fn rejected(&self) -> Vec<Rejected> {
        self.view().all_rejected().cloned().collect()
    }

    /// The map's phase, revision and staleness at this moment. Revision, staleness and the number of rejected values
    /// are those of the decoded content.
    #[must_use]
    pub fn status(&self) -> Status {
        let Inner { map, shared, .. } = &*self.inner;
        shared.table.mark().map_or_else(|| map.status(), |mark| map.status_at(&mark, shared.table.rejected()))
    }

    /// The map itself, when the last proof that the decoded content is current is at most this old. See [`Map::fresh`].
    ///
    /// [`Map::fresh`]: crate::Map::fresh
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] says how old the last proof is.
    pub fn fresh(&self, bound: Duration) -> Result<&Self, Error> {
        let Inner { map, shared, .. } = &*self.inner;
        map.is_fresh(shared.table.mark().and_then(|mark| mark.fresh_at), bound)?;
        Ok(self)
    }

    /// Waits until the decoded content is at this revision or later, whichever process wrote it. See [`Map::wait_for`].
    ///
    /// [`Map::wait_for`]: crate::Map::wait_for
    ///
    /// # Errors
    ///
    /// [`Error::HistoryBroken`] when the revision cannot be reached any more; [`Error::Closed`] when the map closes before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_for(&self, revision: impl Into<Option<Revision>>) -> Result<(), Error> {
        self.inner.map.wait_for(revision).await?;
        self.inner.catch_up().await
    }

    /// Closes the map for all handles of both kinds, as [`Map::close`] does, and waits until the last change is decoded.
    ///
    /// [`Map::close`]: crate::Map::close
    ///
    /// # Cancel safety
    ///
    /// Once polled, the map closes even if the future is dropped.
    pub async fn close(&self) {
        self.inner.map.close().await;
        self.inner.shared.ended().await;
    }

    /// Asks the server whether the content is current, and waits until the decoded content has the proof. Afterwards a read
    /// sees every write that was acknowledged before this call, unless its value was rejected. See [`Map::sync`].
    ///
    /// [`Map::sync`]: crate::Map::sync
    ///
    /// # Errors
    ///
    /// [`Error::SyncTimeout`] when there is no proof in time; [`Error::Closed`] when the map closes before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn sync(&self) -> Result<(), Error> {
        self.inner.map.sync().await?;
        self.inner.catch_up().await
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    /// Waits until the decoded content has what the map has now.
    async fn catch_up(&self) -> Result<(), Error> {
        let progress = self.map.progress();
        if self.shared.includes(&progress).await { Ok(()) } else { Err(self.map.closed()) }
    }
}

impl<T: Send + Sync + 'static> Shows for Inner<T> {
    fn shows(self: Arc<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(async move { self.catch_up().await })
    }
}

impl<T> std::fmt::Debug for Inner<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("map", &self.map).finish_non_exhaustive()
    }
}
