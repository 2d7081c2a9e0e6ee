//! Streams of what happens to a typed map.

use std::borrow::Borrow;
use std::sync::Arc;

use super::TypedMap;
use super::change::{Decoded, TypedChanges};
use super::key::{KeyBytes, MapKey};
use super::prefix::TypedPrefixChanges;
use super::rejected::Rejections;
use super::view::TypedView;
use super::watch::TypedWatch;
use crate::Error;
use crate::changes::Log;
use crate::events::{Events, Strongest};
use crate::feed::FeedStream;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Emits an event after changes of the decoded content, with its strongest kind, as a [`Stream`](futures_core::Stream).
    ///
    /// Every change after this call leads to an event; several changes may share one. After an event the typed handle shows
    /// the change, whereas the event of the untyped [`Map::subscribe`] may come a moment before. A rejected value is no change.
    ///
    /// [`Map::subscribe`]: crate::Map::subscribe
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut events = limits.subscribe();
    /// limits.set("requests", &100).await?;
    /// assert_eq!(events.next().await, Some(rmap_client::EventKind::Changed));
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Events {
        Events(self.inner.shared.events.add(Strongest::begin))
    }

    /// Emits every net change: key, old and new value, revision, as a [`Stream`](futures_core::Stream).
    ///
    /// It includes every write after this call, and possibly writes just before.
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
    /// let (view, mut changes) = limits.view_and_changes();
    /// limits.set("uploads", &10).await?;
    /// assert_eq!(view.len(), 1);
    /// assert_eq!(changes.next().await.unwrap().key, "uploads");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn view_and_changes(&self) -> (TypedView<K, T>, TypedChanges<K, T>) {
        let (view, changes) = self.view_and_stream();
        (view, TypedChanges::new(changes))
    }

    /// The stream begins exactly at the view.
    fn view_and_stream(&self) -> (TypedView<K, T>, FeedStream<Log<Decoded<T>>>) {
        let shared = &self.inner.shared;
        shared.between_changes(|| {
            let changes = shared.changes.add(|log, stream| log.begin_now(stream));
            (self.view(), changes)
        })
    }

    /// Watches one key: a receiver of its latest value, and a [`Stream`](futures_core::Stream) of all later ones, coalesced.
    ///
    /// Any number of watches costs a change of another key one lookup.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut limit = limits.watch("requests");
    /// limits.set("requests", &100).await?;
    /// assert_eq!(limit.changed().await?.as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch<Q>(&self, key: &Q) -> TypedWatch<T>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| TypedWatch::new(self.name().clone(), Arc::clone(&self.inner.shared), key))
    }

    /// The keys whose bytes begin with `prefix`, as a [`Stream`](futures_core::Stream): first their values at one revision,
    /// then every later net change.
    ///
    /// The start visits every key of the map, O(n). Afterwards each change of the map wakes the reader, whatever its
    /// key, and counts as unread until then. For a single key use [`watch`](Self::watch).
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("web/requests", &100).visible().await?;
    /// let mut web = limits.watch_prefix("web/");
    /// assert_eq!(web.left_of_beginning(), 1);
    /// assert_eq!(web.next().await.unwrap().new.as_deref(), Some(&100));
    /// limits.set("db/requests", &50).await?;
    /// limits.delete("web/requests").await?;
    /// assert_eq!(web.next().await.unwrap().new, None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch_prefix(&self, prefix: impl AsRef<[u8]>) -> TypedPrefixChanges<K, T> {
        let (view, changes) = self.view_and_stream();
        TypedPrefixChanges::new(prefix.as_ref(), &view, changes)
    }

    /// Waits until the decoded content looks as `holds` wants it, and returns the view for which it holds.
    ///
    /// `holds` gets a view of the moment first, then one after changes. There is no time limit: wrap the call in
    /// [`tokio::time::timeout`] where one is needed.
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
    /// let view = limits.wait_until(|view| view.contains("requests")).await?;
    /// assert_eq!(view.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map is closed and `holds` does not hold for its last content.
    ///
    /// # Panics
    ///
    /// Panics when `holds` does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_until(
        &self,
        mut holds: impl FnMut(&TypedView<K, T>) -> bool,
    ) -> Result<TypedView<K, T>, Error> {
        let found = self.inner.shared.look(|| Some(self.view()).filter(|view| holds(view)));
        found.await.ok_or_else(|| self.inner.map.closed())
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
