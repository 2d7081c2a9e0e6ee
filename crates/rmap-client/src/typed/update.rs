//! A typed value that is computed from the one that is there.

use std::borrow::Borrow;
use std::sync::Arc;

use bytes::Bytes;
use rmap_core::Value;
use rmap_proto::Key;

use super::key::{KeyBytes, MapKey};
use super::{Inner, TypedMap};
use crate::map::{Compute, Update, Updating};

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Sets a key to what `change` makes of its value, whoever else does so at the same time. It is [`Map::update`] with
    /// decoded values.
    ///
    /// `change` gets the value that the key holds; `None` when the key is missing. Where that value is rejected, `change`
    /// gets the last good one that this process has, and what it returns replaces the rejected value. `None` or
    /// [`Update::Keep`] leaves the key as it is, and [`Update::Delete`] deletes it.
    ///
    /// It returns a future that borrows nothing and sends nothing before it is first polled. [`visible`](Updating::visible)
    /// makes it wait until the decoded content shows the new value, too. [`decode`](Self::decode) reads the bytes of what it
    /// returns.
    ///
    /// [`Map::update`]: crate::Map::update
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let doubled = limits.update("requests", |old| Some(old.map_or(100, |old| old * 2)));
    /// assert!(doubled.visible().await?.applied);
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Map::update`]. Also [`Error::NotEncoded`](crate::Error::NotEncoded).
    ///
    /// # Panics
    ///
    /// Panics when `change` does.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Dropping the future later leaves the outcome of its last try unknown.
    pub fn update<Q, R, C>(&self, key: &Q, mut change: C) -> Updating<impl Compute + use<K, T, Q, R, C>>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
        R: Into<Update<T>>,
        C: FnMut(Option<&T>) -> R,
    {
        let inner = Arc::clone(&self.inner);
        let change = move |key: &Key, old: Option<&Value>| {
            let changed = inner.with_good(key, old, &mut change).into();
            Ok(match changed.map(|value| inner.encode(key.as_bytes(), &value)) {
                Update::Set(bytes) => Update::Set(Bytes::from(bytes?)),
                Update::Keep => Update::Keep,
                Update::Delete => Update::Delete,
            })
        };
        let key = key.with_bytes(|key| self.inner.map.key(key));
        Updating::new(&self.inner.map, key, change).shown_by(Arc::clone(&self.inner) as _)
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    /// Calls `read` with the value of these bytes, or with the last good one where they are rejected.
    fn with_good<R>(&self, key: &Key, bytes: Option<&Value>, read: impl FnOnce(Option<&T>) -> R) -> R {
        match bytes.map(|bytes| (self.decode)(key, bytes)) {
            None => read(None),
            Some(Ok(value)) => read(Some(&value)),
            Some(Err(_)) => read(self.shared.table.get(key.as_bytes()).as_deref()),
        }
    }
}
