//! Waiting until the decoded content has a revision.

use std::sync::Arc;

use rmap_proto::Revision;

use super::key::MapKey;
use super::{Inner, TypedMap};
use crate::Error;
use crate::map::Shows;
use crate::transport::BoxFuture;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Waits until the decoded content is at this revision or later, whichever process wrote it. See [`Map::wait_for`].
    ///
    /// [`Map::wait_for`]: crate::Map::wait_for
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let written = limits.untyped().set("requests", "100").await?;
    /// limits.wait_for(written.revision).await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
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

    /// Asks the server whether the content is current, and waits until the decoded content has the proof. Afterwards a read
    /// sees every write that was acknowledged before this call, unless its value was rejected. See [`Map::sync`].
    ///
    /// [`Map::sync`]: crate::Map::sync
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.untyped().set("requests", "100").await?;
    /// limits.sync().await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
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

    /// Closes the map for all handles of both kinds, as [`Map::close`] does, and waits until the last change is decoded.
    ///
    /// [`Map::close`]: crate::Map::close
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).await?;
    /// limits.close().await;
    /// // It serves its last content, and writes fail.
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// assert!(limits.set("requests", &200).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Once polled, the map closes even if the future is dropped.
    pub async fn close(&self) {
        self.inner.map.close().await;
        self.inner.shared.ended().await;
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    /// Waits until the decoded content has what the map has now.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
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
