//! Local reads of decoded values.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use rmap_proto::Revision;

use super::key::{KeyBytes, MapKey};
use super::rejected::Rejected;
use super::view::TypedView;
use super::{Inner, TypedMap};
use crate::Error;

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
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).visible().await?;
    /// assert!(limits.contains("requests") && !limits.contains("uploads"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| self.inner.shared.table.contains(key))
    }

    /// The number of keys that have a value. Rejected keys without a last good value do not count.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).visible().await?;
    /// assert_eq!((limits.len(), limits.is_empty()), (1, false));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.shared.table.len()
    }

    /// True when no key has a value.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that have a value at this moment, in no particular order.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).visible().await?;
    /// assert_eq!(limits.keys(), ["requests"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.view().iter().map(|entry| entry.key).collect()
    }

    /// The revision of the decoded content; `None` when the server has no hash for the map.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let written = limits.set("requests", &100).visible().await?;
    /// assert_eq!(limits.revision(), Some(written.revision));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.inner.shared.table.mark().and_then(|mark| mark.progress.revision())
    }

    /// All keys and values at one revision. It never changes, and costs little to make and to clone.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set_many([("requests", &100), ("uploads", &10)]).await?;
    /// limits.sync().await?;
    /// let view = limits.view();
    /// assert_eq!(view.iter().map(|entry| **entry.value).sum::<u32>(), 110);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn view(&self) -> TypedView<K, T> {
        let (shards, mark) = self.inner.shared.table.shards();
        TypedView::new(shards, mark.and_then(|mark| mark.progress.revision()))
    }

    /// The keys whose present value is rejected, in no particular order.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.untyped().set("requests", "many").await?;
    /// limits.sync().await?;
    /// for rejected in limits.rejected() {
    ///     println!("{}: {}", rejected.key(), rejected.why());
    /// }
    /// assert_eq!(limits.rejected().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rejected(&self) -> Vec<Rejected> {
        self.view().all_rejected().cloned().collect()
    }

    /// The map itself, when the last proof that the decoded content is current is at most this old. See [`Map::fresh`].
    ///
    /// [`Map::fresh`]: crate::Map::fresh
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// # use std::time::Duration;
    /// limits.sync().await?;
    /// let limit = limits.fresh(Duration::from_secs(15))?.get("requests");
    /// # assert_eq!(limit, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] says how old the last proof is.
    pub fn fresh(&self, bound: Duration) -> Result<&Self, Error> {
        let Inner { map, shared, .. } = &*self.inner;
        map.is_fresh(shared.table.mark().and_then(|mark| mark.fresh_at), bound)?;
        Ok(self)
    }
}
