//! Many typed values at once.

use std::borrow::Borrow;

use super::TypedMap;
use super::key::{KeyBytes, MapKey};
use crate::Error;
use crate::written::{Loaded, SetMany};

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// Sets many keys: atomically in one batch when they fit one, otherwise in several batches. It is [`Map::set_many`] with
    /// encoded values.
    ///
    /// All values are encoded before anything is sent.
    ///
    /// [`Map::set_many`]: crate::Map::set_many
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let done = limits.set_many([("requests", &100), ("uploads", &10)]).await?;
    /// limits.wait_for(done.revision).await?;
    /// assert_eq!((done.set, limits.len()), (2, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode one of the values; then nothing is sent. Those of
    /// [`Map::set_many`].
    ///
    /// # Cancel safety
    ///
    /// See [`Map::set_many`].
    pub async fn set_many<'a, Q>(
        &self,
        entries: impl IntoIterator<Item = (&'a Q, &'a T)>,
    ) -> Result<SetMany, Error>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized + 'a,
    {
        let entries = self.encode_all(entries)?;
        self.inner.map.set_many(entries).await
    }

    /// Makes the map hold exactly these entries, and writes only what differs. It is [`Map::load_difference`] with encoded
    /// values.
    ///
    /// All values are encoded before anything is sent. A value is unchanged when the key holds exactly the bytes to which the
    /// codec encodes it. All other keys are deleted, also rejected ones and those that are not of the key type.
    ///
    /// [`Map::load_difference`]: crate::Map::load_difference
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::collections::BTreeMap;
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set_many([("requests", &100), ("uploads", &10), ("old", &1)]).await?;
    /// let file: BTreeMap<String, u32> = serde_json::from_str(r#"{ "requests": 200, "uploads": 10, "new": 5 }"#)?;
    /// let loaded = limits.load_difference(&file).await?;
    /// assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (2, 1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEncoded`] when the codec cannot encode one of the values; then nothing is sent. Those of
    /// [`Map::load_difference`].
    ///
    /// # Cancel safety
    ///
    /// See [`Map::load_difference`].
    pub async fn load_difference<'a, Q>(
        &self,
        entries: impl IntoIterator<Item = (&'a Q, &'a T)>,
    ) -> Result<Loaded, Error>
    where
        K: Borrow<Q>,
        Q: KeyBytes + ?Sized + 'a,
    {
        let entries = self.encode_all(entries)?;
        self.inner.map.load_difference(entries).await
    }
}
