//! Writes of one key and of the whole map. Each is one atomic step at the authority and is never sent twice.

use bytes::Bytes;
use rmap_proto::{Key, KeyOperation, MAX_READ_BYTES, Operation};

use super::Map;
use super::kind::{self, Kind};
use super::visible::Visible;
use super::writing::Writing;
use crate::Error;
use crate::settings::MAX_KEY_BYTES;

impl Map {
    /// Sets a key.
    ///
    /// Like every write it may be rejected, or its outcome may stay unknown: see [writes](Map#writes).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// let written = map.set("theme", "dark").await?;
    /// map.wait_for(written.revision).await?;
    /// assert_eq!(map.get("theme").unwrap(), "dark");
    /// # Ok(())
    /// # }
    /// ```
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Writing<kind::Set> {
        let entry = self.entry(key.as_ref(), value.as_ref());
        self.write_key(entry.map(|(key, value)| KeyOperation::Set { key, value }))
    }

    /// Sets a key, then waits until this replica shows the write. Short for [`set(key,
    /// value).visible()`](Writing::visible).
    ///
    /// # Errors
    ///
    /// When the write fails, see [writes](Map#writes). When only the wait fails, [`Error::NotVisible`] has the
    /// committed revision.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Until the write has returned, dropping the future leaves its outcome
    /// unknown. Afterwards [`Visible::committed`] has the outcome.
    pub fn set_and_wait(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Visible<kind::Set> {
        self.set(key, value).visible()
    }

    /// Sets a key if it is missing; `applied` says whether it was.
    pub fn set_if_not_exists(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Writing<kind::TestedSet> {
        let entry = self.entry(key.as_ref(), value.as_ref());
        self.write_key(entry.map(|(key, value)| KeyOperation::SetIfNotExists { key, value }))
    }

    /// Sets a key if it holds exactly `test`; `applied` says whether it did.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// map.set("leader", "a").await?;
    /// let taken = map.test_and_set("leader", "a", "b").await?;
    /// assert!(taken.applied);
    /// let late = map.test_and_set("leader", "a", "c").await?;
    /// assert!(!late.applied);
    /// assert_eq!(late.previous.unwrap(), "b");
    /// # Ok(())
    /// # }
    /// ```
    pub fn test_and_set(
        &self,
        key: impl AsRef<[u8]>,
        test: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Writing<kind::TestedSet> {
        let entry = self.entry(key.as_ref(), value.as_ref());
        self.write_key(entry.map(|(key, value)| {
            let test = Bytes::copy_from_slice(test.as_ref());
            KeyOperation::TestAndSet { key, test, value }
        }))
    }

    /// Deletes a key; `applied` is false when the key was missing.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Writing<kind::Tested> {
        self.write_key(self.key(key.as_ref()).map(|key| KeyOperation::Delete { key }))
    }

    /// Deletes a key if it holds exactly `test`; `applied` says whether it did.
    pub fn test_and_delete(&self, key: impl AsRef<[u8]>, test: impl AsRef<[u8]>) -> Writing<kind::Tested> {
        self.write_key(self.key(key.as_ref()).map(|key| {
            let test = Bytes::copy_from_slice(test.as_ref());
            KeyOperation::TestAndDelete { key, test }
        }))
    }

    /// Adds to a decimal 64-bit integer; a missing key counts as 0.
    ///
    /// # Errors
    ///
    /// [`Error::NotAnInteger`] when the key holds something else, and [`Error::Overflow`] when the sum does not fit.
    /// See [writes](Map#writes) for the errors of every write.
    pub fn inc(&self, key: impl AsRef<[u8]>, delta: i64) -> Writing<kind::Inc> {
        self.write_key(self.key(key.as_ref()).map(|key| KeyOperation::Inc { key, delta }))
    }

    /// Clears the map. It works on a closed map, too.
    pub fn reset(&self) -> Writing<kind::Clear> {
        Writing::new(self, Ok(Operation::Reset))
    }

    /// Clears the map for good. It works on a closed map, too.
    ///
    /// It differs from [`reset`](Self::reset) only in that the hash and the notification say `destroy`. Subscribers
    /// get the same event, and the revision is kept.
    pub fn destroy(&self) -> Writing<kind::Clear> {
        Writing::new(self, Ok(Operation::Destroy))
    }

    /// Clears the map if every key holds exactly its test value; `applied` says whether all did.
    ///
    /// # Errors
    ///
    /// [`Error::NoTests`] without pairs, [`Error::TooManySteps`] with too many, and [`Error::ReadsTooMuch`] when the
    /// keys hold too many bytes. See [writes](Map#writes) for the errors of every write.
    pub fn test_and_reset<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        tests: impl IntoIterator<Item = (K, V)>,
    ) -> Writing<kind::Tested> {
        let tests = tests
            .into_iter()
            .map(|(key, test)| Ok((self.key(key.as_ref())?, Bytes::copy_from_slice(test.as_ref()))))
            .collect::<Result<Vec<_>, Error>>();
        Writing::new(
            self,
            match tests {
                Ok(tests) if tests.is_empty() => Err(Error::NoTests { map: self.name().clone() }),
                tests => tests.map(|tests| Operation::TestAndReset { tests }),
            },
        )
    }

    pub(super) fn write_key<K: Kind>(&self, operation: Result<KeyOperation, Error>) -> Writing<K> {
        Writing::new(self, operation.map(Operation::Key))
    }

    /// Copies a key and its value, after checking both.
    pub(super) fn entry(&self, key: &[u8], value: &[u8]) -> Result<(Key, Bytes), Error> {
        let key = self.key(key)?;
        let value = self.value(&key, value)?;
        Ok((key, value))
    }

    /// Bytes that the keys read by the operation hold in the local copy.
    pub(super) fn held(&self, operation: &Operation) -> Result<usize, Error> {
        let bytes = operation.read_bytes(|key| self.with(key.as_bytes(), <[u8]>::len).unwrap_or_default());
        if bytes > MAX_READ_BYTES {
            return Err(Error::ReadsTooMuch { map: self.name().clone(), bytes, limit: MAX_READ_BYTES });
        }
        Ok(bytes)
    }

    pub(super) fn check_open(&self, operation: &Operation) -> Result<(), Error> {
        let closed = if operation.outlives_close() { self.0.client.is_closed() } else { self.is_closed() };
        if closed { Err(self.closed()) } else { Ok(()) }
    }

    pub(crate) fn key(&self, key: &[u8]) -> Result<Key, Error> {
        let (map, length, limit) = (self.name().clone(), key.len(), MAX_KEY_BYTES);
        if length > limit {
            return Err(Error::KeyTooLong { map, length, limit });
        }
        Key::new(key).map_err(|cause| Error::InvalidKey { map, cause })
    }

    pub(super) fn value(&self, key: &Key, value: &[u8]) -> Result<Bytes, Error> {
        self.check_length(key, value.len())?;
        Ok(Bytes::copy_from_slice(value))
    }

    pub(super) fn check_length(&self, key: &Key, length: usize) -> Result<(), Error> {
        let limit = self.0.settings.value_bytes;
        if length <= limit {
            return Ok(());
        }
        Err(Error::ValueTooLong { map: self.name().clone(), key: key.clone(), length, limit })
    }
}
