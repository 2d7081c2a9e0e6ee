//! Typed content at one revision.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rmap_proto::Revision;

use super::key::{KeyBytes, MapKey};
use super::rejected::Rejected;
use super::table::Shards;

/// The decoded content of a [`TypedMap`](crate::TypedMap) at one revision. A view never changes, and clones share it.
///
/// A key whose value is rejected shows its last good value, if there is one, and is marked: [`rejected`](Self::rejected) of the
/// key, and the field of [`TypedEntry`], have the rejection.
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
/// let view = limits.view();
/// limits.delete("requests").visible().await?;
/// // A view never changes.
/// assert!(view.contains("requests") && limits.is_empty());
/// assert_eq!(view.get("requests").map(|limit| **limit), Some(100));
/// # Ok(())
/// # }
/// ```
pub struct TypedView<K, T> {
    content: Arc<Content<T>>,
    key: PhantomData<fn() -> K>,
}

struct Content<T> {
    shards: Shards<T>,
    revision: Option<Revision>,
}

/// An entry of a [`TypedView`].
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
/// limits.untyped().set("requests", "many").await?;
/// limits.sync().await?;
/// let view = limits.view();
/// let entry = view.iter().next().unwrap();
/// assert_eq!((entry.key.as_str(), **entry.value), ("requests", 100));
/// assert!(entry.rejected.is_some(), "it is the last good value");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct TypedEntry<'a, K, T> {
    /// The key.
    pub key: K,
    /// The value: the last good one where the key's present one is rejected.
    pub value: &'a Arc<T>,
    /// The rejection of the present value; `None`: `value` is the present one.
    pub rejected: Option<&'a Rejected>,
}

impl<K, T> TypedView<K, T> {
    pub(super) fn new(shards: Shards<T>, revision: Option<Revision>) -> Self {
        Self { content: Arc::new(Content { shards, revision }), key: PhantomData }
    }

    /// The revision of this content, or `None` when the server had no hash for the map.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.content.revision
    }

    /// The number of keys that have a value. Rejected keys without a last good value do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.content.shards.len()
    }

    /// True when no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rejected keys, in no particular order. O(1) for each of 64 parts, and for each rejection.
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
    /// assert_eq!(limits.view().all_rejected().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.content.shards.shards.iter().flat_map(|shard| shard.rejected().values())
    }
}

impl<K: MapKey, T> TypedView<K, T> {
    /// The value of a key: the last good one where the present one is rejected.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&Arc<T>>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| self.content.shards.get(key))
    }

    /// The rejection of a key's present value; `None` when it is not rejected.
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
    /// limits.untyped().set("requests", "many").await?;
    /// limits.sync().await?;
    /// assert!(limits.view().rejected("requests").is_some_and(|rejected| rejected.keeps_last_good()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rejected<Q>(&self, key: &Q) -> Option<&Rejected>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        key.with_bytes(|key| self.content.shards.rejected(key))
    }

    /// True when the key has a value.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.get(key).is_some()
    }

    /// The entries that have a value, in no particular order.
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
    /// for entry in limits.view().iter() {
    ///     println!("{}: {}{}", entry.key, entry.value, if entry.rejected.is_some() { " (last good)" } else { "" });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = TypedEntry<'_, K, T>> {
        self.entries().map(|(_, entry)| entry)
    }

    /// The entries with a value whose keys' bytes begin with `prefix`, in no particular order.
    ///
    /// A view has no order of keys, so the iteration looks at every key: O(n) for a map of n keys, whatever the prefix.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set_many([("web/requests", &100), ("web/uploads", &10), ("db/requests", &50)]).await?;
    /// limits.sync().await?;
    /// assert_eq!(limits.view().prefix("web/").map(|entry| **entry.value).sum::<u32>(), 110);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prefix<P: AsRef<[u8]>>(
        &self,
        prefix: P,
    ) -> impl Iterator<Item = TypedEntry<'_, K, T>> + use<'_, P, K, T> {
        self.entries().filter(move |(key, _)| key.starts_with(prefix.as_ref())).map(|(_, entry)| entry)
    }

    /// All entries that have a value, in the order of the keys' bytes.
    ///
    /// A view keeps no order. Each call collects all n entries, O(n), and sorts them, O(n log n) comparisons of keys.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set_many([("b", &2), ("a", &1)]).await?;
    /// limits.sync().await?;
    /// let view = limits.view();
    /// let keys: Vec<_> = view.sorted().into_iter().map(|entry| entry.key).collect();
    /// assert_eq!(keys, ["a", "b"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sorted(&self) -> Vec<TypedEntry<'_, K, T>> {
        self.sorted_prefix(&[])
    }

    pub(super) fn sorted_prefix(&self, prefix: &[u8]) -> Vec<TypedEntry<'_, K, T>> {
        let mut entries: Vec<_> = self.entries().filter(|(key, _)| key.starts_with(prefix)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn entries(&self) -> impl Iterator<Item = (&[u8], TypedEntry<'_, K, T>)> {
        self.content.shards.shards.iter().flat_map(|shard| {
            let rejected = shard.rejected();
            shard.iter().filter_map(|(bytes, value)| {
                // The key was one when the value was decoded, so it is one now.
                let key = K::from_bytes(bytes)?;
                Some((bytes, TypedEntry { key, value, rejected: rejected.get(bytes) }))
            })
        })
    }
}

impl<K, T> Clone for TypedView<K, T> {
    fn clone(&self) -> Self {
        Self { content: Arc::clone(&self.content), key: PhantomData }
    }
}

impl<K, T> fmt::Debug for TypedView<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedView").field("revision", &self.revision()).field("len", &self.len()).finish()
    }
}
