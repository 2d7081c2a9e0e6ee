//! Several changes in one atomic step.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use crate::error::WriteError;
use crate::{Key, Operation, Revision, list};

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
/// steps; readers see all changes at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What must hold before the first step.
    pub preconditions: Vec<Precondition>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Batch {
    /// The last value of every key, in the order of the keys' first steps, if all steps are [`Step::Set`].
    pub(crate) fn puts(&self) -> Option<Vec<(&Key, &Bytes)>> {
        let puts: Vec<(&Key, &Bytes)> = self.steps.iter().map(Step::put).collect::<Option<_>>()?;
        let last: HashMap<&Key, &Bytes> = puts.iter().copied().collect();
        Some(distinct(puts.iter().map(|(key, _)| *key)).into_iter().map(|key| (key, last[key])).collect())
    }

    /// Refuses what can be refused without looking at the hash.
    pub(crate) fn check(&self, lists: list::Limit) -> Result<(), WriteError> {
        let count = self.steps.len().max(self.preconditions.len());
        if count > MAX_BATCH_STEPS {
            return Err(WriteError::BatchTooLarge { count });
        }
        for (step, items) in self.steps.iter().map(Step::items).enumerate() {
            let given = lists.check_given(items);
            given.map_err(|cause| WriteError::Step { step, cause: Box::new(cause) })?;
        }
        Ok(())
    }
}

/// Every key once, where it comes first.
pub(crate) fn distinct<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<&'a Key> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(*key)).collect()
}

/// What must hold for a [`Batch`] to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

/// One step of a [`Batch`]; each means the same as the [`Operation`] of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// [`Operation::Set`].
    Set {
        /// The key.
        key: Key,
        /// Its new value.
        value: Bytes,
    },
    /// [`Operation::Delete`].
    Delete {
        /// The key.
        key: Key,
    },
    /// [`Operation::Inc`].
    Inc {
        /// The key.
        key: Key,
        /// What is added.
        delta: i64,
    },
    /// [`Operation::AppendValues`].
    AppendValues {
        /// The key.
        key: Key,
        /// The items, in order.
        items: Vec<String>,
    },
    /// [`Operation::AppendUniqueValues`].
    AppendUniqueValues {
        /// The key.
        key: Key,
        /// The items, in order.
        items: Vec<String>,
    },
    /// [`Operation::RemoveValues`].
    RemoveValues {
        /// The key.
        key: Key,
        /// The items.
        items: Vec<String>,
    },
}

impl Step {
    fn put(&self) -> Option<(&Key, &Bytes)> {
        if let Self::Set { key, value } = self { Some((key, value)) } else { None }
    }

    /// The items that it was given.
    fn items(&self) -> &[String] {
        match self {
            Self::AppendValues { items, .. }
            | Self::AppendUniqueValues { items, .. }
            | Self::RemoveValues { items, .. } => items,
            Self::Set { .. } | Self::Delete { .. } | Self::Inc { .. } => &[],
        }
    }

    /// The key that it changes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Set { key, .. }
            | Self::Delete { key }
            | Self::Inc { key, .. }
            | Self::AppendValues { key, .. }
            | Self::AppendUniqueValues { key, .. }
            | Self::RemoveValues { key, .. } => key,
        }
    }
}

impl From<Step> for Operation {
    fn from(step: Step) -> Self {
        match step {
            Step::Set { key, value } => Self::Set { key, value },
            Step::Delete { key } => Self::Delete { key },
            Step::Inc { key, delta } => Self::Inc { key, delta },
            Step::AppendValues { key, items } => Self::AppendValues { key, items },
            Step::AppendUniqueValues { key, items } => Self::AppendUniqueValues { key, items },
            Step::RemoveValues { key, items } => Self::RemoveValues { key, items },
        }
    }
}

/// What became of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWritten {
    /// How many keys changed; each made one revision, and the last of them is the answer's.
    pub changed: u32,
    /// The first precondition that did not hold, from 0 on; `None`: all held.
    pub failed: Option<usize>,
    /// What the key of each `inc` and list step held right after it, in the order of these steps; empty when a
    /// precondition failed.
    pub values: Vec<Option<Bytes>>,
}
