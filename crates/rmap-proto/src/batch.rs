//! Several changes in one atomic step.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bytes::Bytes;

use crate::error::WriteError;
use crate::sizes::Size;
use crate::{Key, KeyOperation, Revision, list};

/// The most steps, and the most preconditions, that one [`Batch`] may have: more arguments would not fit the stack of a
/// script.
pub const MAX_BATCH_STEPS: usize = 2_500;

/// The most bytes of keys and values that a batch may change: more could disconnect subscribers.
///
/// Its list steps may together read and write as much as eight lists of the [greatest length](list::Limit), and at most twice
/// these bytes: more could block the server.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// Steps that are carried out all or not at all, if every precondition holds.
///
/// Each step sees what those before it did. What they amount to for a key is published once: a key that was set and
/// then deleted, and was not there before, is not published at all. Keys are published in the order of their first
/// steps; readers see all changes at once. A step whose own condition does not hold changes nothing, and the steps after
/// it are carried out all the same.
///
/// The `Debug` form tells how many steps and bytes there are, not the values.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What must hold before the first step.
    pub preconditions: Vec<Precondition>,
    /// The steps, in order.
    pub steps: Vec<KeyOperation>,
}

impl Batch {
    /// Each key that a step is about, in the order of the keys' first steps.
    #[must_use]
    pub fn keys(&self) -> Vec<&Key> {
        distinct(self.steps.iter().map(KeyOperation::key))
    }

    /// The last value of every key, in the order of the keys' first steps, if all steps are [`KeyOperation::Set`].
    pub(crate) fn puts(&self) -> Option<Vec<(&Key, &Bytes)>> {
        let puts: Vec<(&Key, &Bytes)> = self.steps.iter().map(KeyOperation::put).collect::<Option<_>>()?;
        let last: HashMap<&Key, &Bytes> = puts.iter().copied().collect();
        Some(distinct(puts.iter().map(|(key, _)| *key)).into_iter().map(|key| (key, last[key])).collect())
    }

    /// Refuses what can be refused without looking at the hash.
    pub(crate) fn check(&self, lists: list::Limit) -> Result<(), WriteError> {
        let count = self.steps.len().max(self.preconditions.len());
        if count > MAX_BATCH_STEPS {
            return Err(WriteError::BatchTooLarge { count });
        }
        for (step, operation) in self.steps.iter().enumerate() {
            let checked = operation.check(lists);
            checked.map_err(|cause| WriteError::Step { step, cause: Box::new(cause) })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.steps.iter().map(KeyOperation::size).sum();
        f.debug_struct("Batch")
            .field("preconditions", &self.preconditions.len())
            .field("steps", &self.steps.len())
            .field("bytes", &Size(bytes))
            .finish()
    }
}

/// Every key once, where it comes first.
pub(crate) fn distinct<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<&'a Key> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(*key)).collect()
}

/// What must hold for a [`Batch`] to be carried out.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum Precondition {
    /// The key holds exactly this value.
    Equals {
        /// The key.
        key: Key,
        /// Its value.
        value: Bytes,
    },
    /// The key is missing.
    Absent {
        /// The key.
        key: Key,
    },
    /// The map is at exactly this revision; `None`: there is no hash.
    Revision(
        /// The revision.
        Option<Revision>,
    ),
}

impl Precondition {
    /// The key that it is about; `None`: the whole map.
    #[must_use]
    pub const fn key(&self) -> Option<&Key> {
        match self {
            Self::Equals { key, .. } | Self::Absent { key } => Some(key),
            Self::Revision(_) => None,
        }
    }
}

impl fmt::Debug for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals { key, value } => write!(f, "equals({key}, {:?})", Size::of(value)),
            Self::Absent { key } => write!(f, "absent({key})"),
            Self::Revision(revision) => write!(f, "revision({revision:?})"),
        }
    }
}

/// What became of a [`Batch`].
#[derive(Clone, PartialEq, Eq)]
pub struct BatchWritten {
    /// How many keys changed; each made one revision, and the last of them is the answer's.
    pub changed: u32,
    /// The first precondition that did not hold, from 0 on; `None`: all held.
    pub failed: Option<usize>,
    /// What its key held right after each step whose [result](KeyOperation::result) is an integer or a list, in the order
    /// of these steps; empty when a precondition failed.
    pub values: Vec<Option<Bytes>>,
}

impl fmt::Debug for BatchWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self.values.iter().map(|value| value.as_ref().map(Size::of)).collect();
        f.debug_struct("BatchWritten")
            .field("changed", &self.changed)
            .field("failed", &self.failed)
            .field("values", &values)
            .finish()
    }
}
