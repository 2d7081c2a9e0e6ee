//! A typed value that is computed from the one that is there.

use std::borrow::Borrow;

use rmap_core::Value;
use rmap_proto::Key;

use super::key::{KeyBytes, MapKey};
use super::{Inner, TypedMap};
use crate::Error;
use crate::map::Update;
use crate::written::Updated;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Sets a key to what `change` makes of its value, whoever else does so at the same time. It is [`Map::update`] with
    /// decoded values.
    ///
    /// `change` gets the value that the key holds; `None` when the key is missing. Where that value is rejected, `change`
    /// gets the last good one that this process has, and what it returns replaces the rejected value. `None` or
    /// [`Update::Keep`] leaves the key as it is, and [`Update::Delete`] deletes it.
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
    /// let doubled = limits.update("requests", |old| Some(old.map_or(100, |old| old * 2))).await?;
    /// limits.wait_for(doubled.revision).await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Map::update`]; [`Error::NotEncoded`].
    ///
    /// # Panics
    ///
    /// Panics when `change` does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome of its last try unknown.
    pub async fn update<Q, R>(
        &self,
        key: &Q,
        mut change: impl FnMut(Option<&T>) -> R,
    ) -> Result<Updated, Error>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
        R: Into<Update<T>>,
    {
        let key = key.with_bytes(|key| self.inner.map.key(key))?;
        let mut problem = None;
        let updating = self.inner.map.update(&key, |old: Option<&Value>| {
            let changed = self.inner.with_good(&key, old, &mut change).into();
            match changed.map(|value| self.encode(key.as_bytes(), &value)) {
                Update::Set(Ok(bytes)) => Update::Set(bytes),
                Update::Set(Err(error)) => {
                    problem = Some(error);
                    Update::Keep
                }
                Update::Keep => Update::Keep,
                Update::Delete => Update::Delete,
            }
        });
        let updated = updating.await;
        problem.map_or(updated, Err)
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
