//! Several changes of a typed map in one atomic step.

use std::borrow::Borrow;

use rmap_proto::Revision;

use super::TypedMap;
use super::key::{KeyBytes, MapKey};
use crate::map::{Batch, Writing, kind};

/// Changes that are committed together or not at all, from [`TypedMap::batch`]. It is a [`Batch`] with encoded values.
///
/// Bad input, also a value that cannot be encoded, is remembered and reported by [`commit`](Self::commit), before anything is sent.
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
/// limits.sync().await?;
/// let batch = limits
///     .batch()
///     .test("requests", &100)
///     .test_absent("uploads")
///     .test_revision(limits.revision())
///     .set("uploads", &10)
///     .delete("requests");
/// assert_eq!((batch.len(), batch.is_empty()), (2, false));
/// assert!(batch.commit().visible().await?.applied);
/// assert_eq!(limits.keys(), ["uploads"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `commit` is awaited"]
pub struct TypedBatch<K, T> {
    map: TypedMap<K, T>,
    batch: Batch,
}

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Begins a batch: several changes in one atomic step, in one request.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let batch = limits.batch().test_absent("requests").set("requests", &100).set("uploads", &10);
    /// assert!(batch.commit().visible().await?.applied);
    /// assert_eq!(limits.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch(&self) -> TypedBatch<K, T> {
        TypedBatch { map: self.clone(), batch: self.inner.map.batch() }
    }
}

impl<K: MapKey, T: Send + Sync + 'static> TypedBatch<K, T> {
    /// Sets a key.
    pub fn set<Q>(self, key: &Q, value: &T) -> Self
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.with(key, value, |batch, key, value| batch.set(key, value))
    }

    /// Deletes a key; a missing one is no change.
    pub fn delete<Q>(self, key: &Q) -> Self
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        let Self { map, batch } = self;
        Self { map, batch: key.with_bytes(|key| batch.delete(key)) }
    }

    /// The batch is applied only if the key holds exactly the bytes of this value before its first step.
    pub fn test<Q>(self, key: &Q, value: &T) -> Self
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.with(key, value, |batch, key, value| batch.test(key, value))
    }

    /// The batch is applied only if the key is missing before its first step.
    pub fn test_absent<Q>(self, key: &Q) -> Self
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        let Self { map, batch } = self;
        Self { map, batch: key.with_bytes(|key| batch.test_absent(key)) }
    }

    /// The batch is applied only if the map is at exactly this revision, for example that of a view from which it was made;
    /// `None`: only if the server has no hash for the map.
    pub fn test_revision(self, revision: impl Into<Option<Revision>>) -> Self {
        let Self { map, batch } = self;
        Self { map, batch: batch.test_revision(revision) }
    }

    /// The number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// True when it has no steps. Such a batch only asks whether its preconditions hold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Bytes of keys and values, as the [settings](crate::MapSettings) count them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// Carries out all steps as one atomic write, if all preconditions hold.
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`](crate::Error::NotEncoded) when the codec cannot encode a value. See [`Batch::commit`] for the
    /// other errors.
    pub fn commit(self) -> Writing<kind::Commit> {
        self.map.shown(self.batch.commit())
    }

    fn with<Q: KeyBytes + ?Sized>(
        self,
        key: &Q,
        value: &T,
        add: impl FnOnce(Batch, &[u8], Vec<u8>) -> Batch,
    ) -> Self {
        let Self { map, mut batch } = self;
        let batch = key.with_bytes(|key| match map.inner.encode(key, value) {
            Ok(value) => add(batch, key, value),
            Err(problem) => {
                batch.remember(problem);
                batch
            }
        });
        Self { map, batch }
    }
}
