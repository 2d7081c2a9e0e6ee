//! The latest decoded value of one key.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::Value;
use rmap_proto::MapName;

use super::change::Good;
use super::shared::Shared;
use crate::Error;
use crate::watch::KeyWatch;

/// The latest decoded value of one key, from [`TypedMap::watch`](crate::TypedMap::watch). It works like the untyped
/// [`Watch`](crate::Watch).
///
/// [`changed`](Self::changed) waits until the key has a value of other bytes than the one that the watch last returned. A rejected
/// value is no change: the key keeps its last good value. As a [`Stream`] the watch yields the current value, then each later one.
/// It does not keep the map open, and ends when the map closes.
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
/// assert_eq!(limit.borrow(), None);
/// limits.set("requests", &100).visible().await?;
/// assert_eq!(limit.borrow_and_update().as_deref(), Some(&100));
/// limits.delete("requests").await?;
/// assert_eq!(limit.changed().await?, None);
/// limits.close().await;
/// assert_eq!(limit.next().await, None);
/// # Ok(())
/// # }
/// ```
pub struct TypedWatch<T> {
    map: MapName,
    shared: Arc<Shared<T>>,
    watch: KeyWatch,
    seen: Option<Value>,
    /// True after the stream has yielded its first value.
    begun: bool,
}

impl<T: Send + Sync + 'static> TypedWatch<T> {
    pub(super) fn new(map: MapName, shared: Arc<Shared<T>>, key: &[u8]) -> Self {
        let watch = shared.watchers.watch(key);
        let seen = shared.table.good(key).map(|good| good.bytes);
        Self { map, shared, watch, seen, begun: false }
    }

    /// The bytes of the key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.watch.key()
    }

    /// Returns the current value, without marking it as seen; `None` when the key has none.
    #[must_use]
    pub fn borrow(&self) -> Option<Arc<T>> {
        self.shared.table.get(self.key())
    }

    /// Returns the current value and marks it as seen; `None` when the key has none.
    #[must_use]
    pub fn borrow_and_update(&mut self) -> Option<Arc<T>> {
        let good = self.shared.table.good(self.watch.key());
        self.see(good)
    }

    /// Waits until the value differs from the seen one, returns it and marks it as seen; `None` when the key was deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map is closed and its last value was seen.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no value.
    pub async fn changed(&mut self) -> Result<Option<Arc<T>>, Error> {
        let changed = poll_fn(|context| self.poll_changed(context)).await;
        changed.ok_or_else(|| Error::Closed { map: self.map.clone() })
    }

    /// Returns the current value at first, then waits for [`changed`](Self::changed). The outer value is `None` after the map
    /// has closed, the inner one when the key has no value.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no value.
    pub async fn next(&mut self) -> Option<Option<Arc<T>>> {
        poll_fn(|context| self.poll_value(context)).await
    }

    fn see(&mut self, good: Option<Good<T>>) -> Option<Arc<T>> {
        self.begun = true;
        self.seen = good.as_ref().map(|good| good.bytes.clone());
        good.map(|good| good.value)
    }

    fn poll_changed(&mut self, context: &Context<'_>) -> Poll<Option<Option<Arc<T>>>> {
        let Self { shared, watch, seen, .. } = self;
        let newer = || {
            let good = shared.table.good(watch.key());
            (good.as_ref().map(|good| &good.bytes) != seen.as_ref()).then_some(good)
        };
        watch.poll(context, newer).map(|found| found.map(|good| self.see(good)))
    }

    fn poll_value(&mut self, context: &Context<'_>) -> Poll<Option<Option<Arc<T>>>> {
        if self.begun { self.poll_changed(context) } else { Poll::Ready(Some(self.borrow_and_update())) }
    }
}

impl<T: Send + Sync + 'static> Stream for TypedWatch<T> {
    type Item = Option<Arc<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_value(context)
    }
}

impl<T> fmt::Debug for TypedWatch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedWatch")
            .field("map", &self.map)
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}
