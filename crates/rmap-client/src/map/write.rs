//! Writes of one key and of the whole map. Each is one atomic step at the authority and is never sent twice.

use bytes::Bytes;
use rmap_core::Value;
use rmap_proto::{Key, KeyOperation, Operation, Write, WriteError};
use tracing::Instrument;

use super::Map;
use crate::Error;
use crate::error::During;
use crate::runtime::Ended;
use crate::settings::MAX_KEY_BYTES;
use crate::transport::{Cause, TransportError};
use crate::written::{Attempt, Cleared, Incremented, Origin, Written};

impl Map {
    /// Sets a key.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<Written, Error> {
        let (key, value) = self.entry(key.as_ref(), value.as_ref())?;
        self.commit(Operation::Key(KeyOperation::Set { key, value })).await
    }

    /// Sets a key that is missing; `applied` says whether it was.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn set_if_not_exists(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Attempt, Error> {
        let (key, value) = self.entry(key.as_ref(), value.as_ref())?;
        self.attempt(Operation::Key(KeyOperation::SetIfNotExists { key, value })).await
    }

    /// Sets a key that holds exactly `test`; `applied` says whether it did.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn test_and_set(
        &self,
        key: impl AsRef<[u8]>,
        test: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Attempt, Error> {
        let key = self.key(key.as_ref())?;
        let test = Bytes::copy_from_slice(test.as_ref());
        let value = self.value(&key, value.as_ref())?;
        self.attempt(Operation::Key(KeyOperation::TestAndSet { key, test, value })).await
    }

    /// Deletes a key. A missing key changes nothing, and `applied` is false.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<Attempt, Error> {
        let key = self.key(key.as_ref())?;
        self.attempt(Operation::Key(KeyOperation::Delete { key })).await
    }

    /// Deletes a key that holds exactly `test`; `applied` says whether it did.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn test_and_delete(
        &self,
        key: impl AsRef<[u8]>,
        test: impl AsRef<[u8]>,
    ) -> Result<Attempt, Error> {
        let key = self.key(key.as_ref())?;
        let test = Bytes::copy_from_slice(test.as_ref());
        self.attempt(Operation::Key(KeyOperation::TestAndDelete { key, test })).await
    }

    /// Adds to a decimal 64-bit integer; a missing key counts as 0.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes); [`Error::NotAnInteger`]; [`Error::Overflow`].
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn inc(&self, key: impl AsRef<[u8]>, delta: i64) -> Result<Incremented, Error> {
        let operation = Operation::Key(KeyOperation::Inc { key: self.key(key.as_ref())?, delta });
        let (name, written) = (operation.name(), self.write(operation).await?);
        let sum = written.value.as_deref().and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        match (sum, written.revision) {
            (Some(value), Some(revision)) => Ok(Incremented { value, revision }),
            _ => Err(self.unexpected(name)),
        }
    }

    /// Clears the map. It works on a closed map, too.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn reset(&self) -> Result<Cleared, Error> {
        self.clear(Operation::Reset).await
    }

    /// Clears the map for good. It works on a closed map, too.
    ///
    /// It differs from [`reset`](Self::reset) only in that the hash and the notification say `destroy`; subscribers get the same
    /// event. The revision is kept.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes).
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn destroy(&self) -> Result<Cleared, Error> {
        self.clear(Operation::Destroy).await
    }

    /// Clears the map when every key holds exactly its test value; `applied` says whether all did.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes); [`Error::NoTests`] when there are no pairs.
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub async fn test_and_reset<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        tests: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Attempt, Error> {
        let tests = tests
            .into_iter()
            .map(|(key, test)| Ok((self.key(key.as_ref())?, Bytes::copy_from_slice(test.as_ref()))))
            .collect::<Result<Vec<_>, Error>>()?;
        if tests.is_empty() {
            return Err(Error::NoTests { map: self.name().clone() });
        }
        self.attempt(Operation::TestAndReset { tests }).await
    }

    /// A key and its value, as an operation takes them.
    pub(super) fn entry(&self, key: &[u8], value: &[u8]) -> Result<(Key, Bytes), Error> {
        let key = self.key(key)?;
        let value = self.value(&key, value)?;
        Ok((key, value))
    }

    /// A write that is always applied.
    pub(super) async fn commit(&self, operation: Operation) -> Result<Written, Error> {
        let (name, written) = (operation.name(), self.write(operation).await?);
        let revision = written.revision.ok_or_else(|| self.unexpected(name))?;
        Ok(Written { revision, previous: written.previous.map(own) })
    }

    async fn attempt(&self, operation: Operation) -> Result<Attempt, Error> {
        let origin = Origin { map: self.name().clone(), operation: operation.name() };
        let written = self.write(operation).await?;
        Ok(Attempt {
            applied: written.applied,
            revision: written.revision,
            previous: written.previous.map(own),
            origin,
        })
    }

    async fn clear(&self, operation: Operation) -> Result<Cleared, Error> {
        Ok(Cleared { revision: self.commit(operation).await?.revision })
    }

    pub(super) async fn write(&self, operation: Operation) -> Result<rmap_proto::Written, Error> {
        self.check_open(&operation)?;
        let held = self.held(&operation);
        let write = Write::new(operation, self.0.ttl).lists(self.0.settings.lists).held(held);
        let operation = write.operation.name();
        let span = tracing::debug_span!("write", map = %self.name(), operation);
        let transport = self.0.client.transport();
        let written = transport.write(self.name(), &write);
        let written = self.0.client.runtime().within(written.instrument(span)).await;
        let written = written.map_err(|ended| self.cut_off(operation, ended))?;
        written.map_err(|error| self.failed(&write.operation, error))
    }

    /// The error of a write whose runtime has ended.
    fn cut_off(&self, operation: &'static str, ended: Ended) -> Error {
        match ended {
            Ended::Before => self.closed(),
            Ended::Meanwhile => {
                let error = TransportError::Indeterminate(Cause::RuntimeEnded);
                During { map: self.name(), operation, key: None }.fail(error)
            }
        }
    }

    /// How many bytes the operation's key holds here.
    fn held(&self, operation: &Operation) -> usize {
        operation.key().and_then(|key| self.with(key.as_bytes(), <[u8]>::len)).unwrap_or_default()
    }

    fn check_open(&self, operation: &Operation) -> Result<(), Error> {
        let closed = if operation.outlives_close() { self.0.client.is_closed() } else { self.is_closed() };
        if closed { Err(self.closed()) } else { Ok(()) }
    }

    /// The error of an operation; that of a step of a batch is the step's.
    fn failed(&self, operation: &Operation, error: TransportError) -> Error {
        let during = self.during(operation);
        if let TransportError::Authority(WriteError::Step { step, cause }) = error {
            let key = operation.step(step).map(KeyOperation::key);
            return During { key, ..during }.fail(TransportError::Authority(*cause));
        }
        during.fail(error)
    }

    fn during<'a>(&'a self, operation: &'a Operation) -> During<'a> {
        During { map: self.name(), operation: operation.name(), key: operation.key() }
    }

    /// A reply without what the operation promises.
    pub(super) fn unexpected(&self, operation: &'static str) -> Error {
        let error = TransportError::Indeterminate(Cause::UnexpectedReply {
            problem: "the reply lacks the result".to_owned(),
        });
        During { map: self.name(), operation, key: None }.fail(error)
    }

    pub(super) fn key(&self, key: &[u8]) -> Result<Key, Error> {
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

/// The value must not keep the buffer of a whole reply alive.
fn own(bytes: Bytes) -> Value {
    Value::from(&bytes[..])
}
