//! Several changes in one atomic step.

use std::fmt;

use bytes::Bytes;
use rmap_proto::{Key, KeyOperation, Operation, Precondition, Revision};

use super::Map;
use super::kind;
use super::writing::Writing;
use crate::Error;

/// Changes that are committed together or not at all, from [`Map::batch`].
///
/// Every replica of this crate shows all changes of a batch at once; Go peers see them one after the other. Each step
/// sees the effect of the steps before it. A key that several steps change is published once, with its net change.
/// Batches never interleave.
///
/// [`commit`](Self::commit) reports bad input before anything is sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("jobs").join().await?;
/// let moved = map
///     .batch()
///     .test_absent("owner")
///     .set("owner", "worker-7")
///     .inc("handovers", 1)
///     .append_values("log", ["worker-7 took over"])
///     .commit()
///     .await?;
/// assert!(moved.applied);
/// map.wait_for(moved.revision).await?;
/// assert_eq!(map.get("handovers").unwrap(), "1");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before `commit` is awaited"]
pub struct Batch {
    map: Map,
    content: rmap_proto::BatchOperation,
    bytes: usize,
    problem: Option<Error>,
}

impl Map {
    /// Begins a batch: several changes in one atomic step, in one request.
    pub fn batch(&self) -> Batch {
        Batch { map: self.clone(), content: rmap_proto::BatchOperation::default(), bytes: 0, problem: None }
    }
}

impl Batch {
    /// Sets a key.
    pub fn set(self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.step(key.as_ref(), value.len(), |map, key| {
            Ok(KeyOperation::Set { value: map.value(&key, value)?, key })
        })
    }

    /// Deletes a key; a missing key is left missing.
    pub fn delete(self, key: impl AsRef<[u8]>) -> Self {
        self.step(key.as_ref(), 0, |_, key| Ok(KeyOperation::Delete { key }))
    }

    /// Adds to a decimal 64-bit integer; a missing key counts as 0.
    pub fn inc(self, key: impl AsRef<[u8]>, delta: i64) -> Self {
        self.step(key.as_ref(), size_of::<i64>(), |_, key| Ok(KeyOperation::Inc { key, delta }))
    }

    /// Appends items to a list; a missing key is an empty list.
    pub fn append_values<I: Into<String>>(
        self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        self.list(key.as_ref(), items, |key, items| KeyOperation::AppendValues { key, items })
    }

    /// Appends the items that a list does not have yet; a missing key is an empty list.
    pub fn append_unique_values<I: Into<String>>(
        self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        self.list(key.as_ref(), items, |key, items| KeyOperation::AppendUniqueValues { key, items })
    }

    /// Removes every occurrence of the items from a list; a list that becomes empty is deleted.
    pub fn remove_values<I: Into<String>>(
        self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Self {
        self.list(key.as_ref(), items, |key, items| KeyOperation::RemoveValues { key, items })
    }

    /// The batch is applied only if the key holds exactly this value before its first step.
    pub fn test(self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let value = Bytes::copy_from_slice(value.as_ref());
        self.precondition(key.as_ref(), value.len(), |key| Precondition::Equals { key, value })
    }

    /// The batch is applied only if the key is missing before its first step.
    pub fn test_absent(self, key: impl AsRef<[u8]>) -> Self {
        self.precondition(key.as_ref(), 0, |key| Precondition::Absent { key })
    }

    /// The batch is applied only if the map is at exactly this revision, for example that of a view from which it was
    /// computed. `None`: only if the server has no hash for the map.
    pub fn test_revision(mut self, revision: impl Into<Option<Revision>>) -> Self {
        self.content.preconditions.push(Precondition::Revision(revision.into()));
        self
    }

    /// The number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.content.steps.len()
    }

    /// True when the batch has no steps. Such a batch only asks whether its preconditions hold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.content.steps.is_empty()
    }

    /// Bytes of keys, values and items, as the [settings](crate::MapSettings::batch_bytes) count them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Carries out all steps as one atomic write, if all preconditions hold.
    ///
    /// # Errors
    ///
    /// The first bad input of the steps and preconditions. [`Error::TooManySteps`] and [`Error::BatchTooLarge`] when
    /// the batch, or the lists that it changes, exceed the [settings](crate::MapSettings::batch_bytes).
    /// [`Error::ReadsTooMuch`] when the keys hold more bytes than one script should read. [`Error::NotAnInteger`],
    /// [`Error::Overflow`], [`Error::NotAList`] and [`Error::ListTooLong`] name the key of the step.
    ///
    /// See [writes](Map#writes) for the errors of every write. After an error nothing changed, except that
    /// [`Error::Indeterminate`] leaves the outcome of the whole batch unknown.
    pub fn commit(self) -> Writing<kind::Commit> {
        let checked = self.check();
        let Self { map, content, .. } = self;
        Writing::new(&map, checked.map(|()| Operation::Batch(content)))
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let map = self.map.name();
        let limits = &self.map.0.settings;
        let count = self.content.steps.len().max(self.content.preconditions.len());
        if count > limits.batch_steps {
            return Err(Error::TooManySteps { map: map.clone(), count, limit: limits.batch_steps });
        }
        if self.bytes > limits.batch_bytes {
            return Err(Error::BatchTooLarge {
                map: map.clone(),
                bytes: Some(self.bytes),
                limit: limits.batch_bytes,
            });
        }
        Ok(())
    }

    fn list<I: Into<String>>(
        self,
        key: &[u8],
        items: impl IntoIterator<Item = I>,
        step: impl FnOnce(Key, Vec<String>) -> KeyOperation,
    ) -> Self {
        let items: Vec<String> = items.into_iter().map(Into::into).collect();
        let length = items.iter().map(String::len).sum();
        self.step(key, length, |map, key| {
            map.check_length(&key, length)?;
            Ok(step(key, items))
        })
    }

    /// Adds a step, or remembers the error in its input.
    fn step(
        mut self,
        key: &[u8],
        more: usize,
        step: impl FnOnce(&Map, Key) -> Result<KeyOperation, Error>,
    ) -> Self {
        self.bytes += key.len() + more;
        match self.map.key(key).and_then(|key| step(&self.map, key)) {
            Ok(step) => self.content.steps.push(step),
            Err(problem) => self.remember(problem),
        }
        self
    }

    fn precondition(mut self, key: &[u8], more: usize, rule: impl FnOnce(Key) -> Precondition) -> Self {
        self.bytes += key.len() + more;
        match self.map.key(key) {
            Ok(key) => self.content.preconditions.push(rule(key)),
            Err(problem) => self.remember(problem),
        }
        self
    }

    pub(crate) fn remember(&mut self, problem: Error) {
        self.problem.get_or_insert(problem);
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("map", self.map.name())
            .field("steps", &self.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
