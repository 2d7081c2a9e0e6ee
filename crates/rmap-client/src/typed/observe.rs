//! Streams of what happens to a typed map.

use super::TypedMap;
use super::change::TypedChanges;
use super::key::MapKey;
use super::rejected::Rejections;
use super::view::TypedView;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Emits every net change: key, old and new value, revision, as a [`Stream`](futures_core::Stream).
    ///
    /// What is written after this call is in it; what was written just before may be.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut changes = limits.changes();
    /// limits.set("requests", &100).await?;
    /// let change = changes.next().await.unwrap();
    /// assert_eq!((change.key.as_str(), change.new.as_deref()), ("requests", Some(&100)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn changes(&self) -> TypedChanges<K, T> {
        self.view_and_changes().1
    }

    /// A view, and the stream of all changes since: applied to the view they give the content of any later moment.
    #[must_use]
    pub fn view_and_changes(&self) -> (TypedView<K, T>, TypedChanges<K, T>) {
        let shared = &self.inner.shared;
        shared.between_changes(|| {
            let changes = shared.changes.add(|log, stream| log.begin_now(stream));
            (self.view(), TypedChanges::new(changes))
        })
    }

    /// Emits rejected values, as a [`Stream`](futures_core::Stream): first those of this moment, then every later one.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut rejections = limits.rejections();
    /// limits.untyped().set("requests", "many").await?;
    /// let rejected = rejections.next().await.unwrap();
    /// assert_eq!(rejected.key(), "requests");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rejections(&self) -> Rejections {
        let shared = &self.inner.shared;
        shared.between_changes(|| {
            let later = shared.rejections.add(|log, stream| log.begin_now(stream));
            Rejections::new(self.rejected(), later)
        })
    }
}
