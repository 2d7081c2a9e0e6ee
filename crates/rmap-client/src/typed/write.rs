//! Writes of typed values: those of the untyped map, with encoded values.

use std::borrow::Borrow;
use std::sync::Arc;

use super::key::{KeyBytes, MapKey};
use super::{Inner, TypedMap};
use crate::Error;
use crate::map::kind::{self, Kind};
use crate::map::{Map, Writing};

/// Keys and values as bytes.
type Encoded = Vec<(Vec<u8>, Vec<u8>)>;

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Sets a key.
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
    /// assert_eq!((limits.get("requests").as_deref(), limits.revision()), (Some(&100), Some(written.revision)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode the value. See [writes](Map#writes) for the errors of every
    /// write.
    pub fn set<Q>(&self, key: &Q, value: &T) -> Writing<kind::Set>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.write(key, [value], |map, key, [value]| map.set(key, value))
    }

    /// Sets a key that is missing; `applied` says whether it was.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// assert!(limits.set_if_not_exists("requests", &100).await?.applied);
    /// let second = limits.set_if_not_exists("requests", &200).await?;
    /// assert!(!second.applied);
    /// assert_eq!(limits.decode(&second.previous.unwrap()).unwrap(), 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode the value. See [writes](Map#writes) for the errors of every
    /// write.
    pub fn set_if_not_exists<Q>(&self, key: &Q, value: &T) -> Writing<kind::TestedSet>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.write(key, [value], |map, key, [value]| map.set_if_not_exists(key, value))
    }

    /// Sets a key that holds exactly the bytes of `test` as the codec encodes it; `applied` says whether it did.
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
    /// assert!(limits.test_and_set("requests", &100, &200).visible().await?.applied);
    /// assert_eq!(limits.get("requests").as_deref(), Some(&200));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode the value. See [writes](Map#writes) for the errors of every
    /// write.
    pub fn test_and_set<Q>(&self, key: &Q, test: &T, value: &T) -> Writing<kind::TestedSet>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.write(key, [test, value], |map, key, [test, value]| map.test_and_set(key, test, value))
    }

    /// Deletes a key. A missing key changes nothing, and `applied` is false. A rejected key loses its last good value, too.
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
    /// limits.delete("requests").visible().await?;
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete<Q>(&self, key: &Q) -> Writing<kind::Tested>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.write(key, [], |map, key, []| map.delete(key))
    }

    /// Deletes a key that holds exactly the bytes of `test` as the codec encodes it; `applied` says whether it did.
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
    /// assert!(!limits.test_and_delete("requests", &200).await?.applied);
    /// assert!(limits.test_and_delete("requests", &100).await?.applied);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode the value. See [writes](Map#writes) for the errors of every
    /// write.
    pub fn test_and_delete<Q>(&self, key: &Q, test: &T) -> Writing<kind::Tested>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized,
    {
        self.write(key, [test], |map, key, [test]| map.test_and_delete(key, test))
    }

    /// Clears the map. It works on a closed map, too.
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
    /// limits.reset().visible().await?;
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) -> Writing<kind::Clear> {
        self.shown(self.inner.map.reset())
    }

    /// Clears the map for good, as [`Map::destroy`] does. It works on a closed map, too.
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
    /// limits.destroy().visible().await?;
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn destroy(&self) -> Writing<kind::Clear> {
        self.shown(self.inner.map.destroy())
    }

    /// Clears the map when every key holds exactly the bytes of its test value; `applied` says whether all did.
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
    /// assert!(limits.test_and_reset([("requests", &100)]).visible().await?.applied);
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode a value, and [`Error::NoTests`] without pairs. See
    /// [writes](Map#writes) for the errors of every write.
    pub fn test_and_reset<'a, Q>(
        &self,
        tests: impl IntoIterator<Item = (&'a Q, &'a T)>,
    ) -> Writing<kind::Tested>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized + 'a,
    {
        match self.encode_all(tests) {
            Ok(tests) => self.shown(self.inner.map.test_and_reset(tests)),
            Err(error) => Writing::refused(&self.inner.map, error),
        }
    }

    fn write<Q: KeyBytes + ?Sized, W: Kind, const N: usize>(
        &self,
        key: &Q,
        values: [&T; N],
        write: impl FnOnce(&Map, &[u8], [Vec<u8>; N]) -> Writing<W>,
    ) -> Writing<W> {
        let map = &self.inner.map;
        key.with_bytes(|key| {
            let mut encoded = [const { Vec::new() }; N];
            for (bytes, value) in encoded.iter_mut().zip(values) {
                match self.inner.encode(key, value) {
                    Ok(value) => *bytes = value,
                    Err(error) => return Writing::refused(map, error),
                }
            }
            self.shown(write(map, key, encoded))
        })
    }

    /// All keys and encoded values, or the first error.
    pub(super) fn encode_all<'a, Q>(
        &self,
        entries: impl IntoIterator<Item = (&'a Q, &'a T)>,
    ) -> Result<Encoded, Error>
    where
        Q: KeyBytes + ?Sized + 'a,
    {
        let encode = |key: &[u8], value: &T| self.inner.encode(key, value).map(|value| (key.to_vec(), value));
        entries.into_iter().map(|(key, value)| key.with_bytes(|key| encode(key, value))).collect()
    }

    /// The write is visible when the decoded content has it.
    pub(super) fn shown<W: Kind>(&self, writing: Writing<W>) -> Writing<W> {
        writing.shown_by(Arc::clone(&self.inner) as _)
    }
}

impl<T: 'static> Inner<T> {
    pub(super) fn encode(&self, key: &[u8], value: &T) -> Result<Vec<u8>, Error> {
        self.codec.encode(value).or_else(|reason| {
            let (map, reason) = (self.map.name().clone(), reason.to_string());
            Err(Error::NotEncoded { map, key: self.map.key(key)?, reason })
        })
    }
}
