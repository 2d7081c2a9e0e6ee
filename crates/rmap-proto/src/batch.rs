//! Several changes in one atomic step.

use std::collections::HashSet;

use bytes::Bytes;

use crate::error::WriteError;
use crate::{Key, Operation, Revision};

/// The most steps, and the most preconditions, that one [`Batch`] may have: more arguments would not fit the stack of a
/// script.
pub const MAX_BATCH_STEPS: usize = 2_500;

/// The most bytes of keys and values that a batch may change: more in one step could disconnect subscribers.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// Steps that are carried out all or not at all, if every precondition holds.
///
/// Each step sees what those before it did. What they amount to for a key is published once: a key that was set and
/// then deleted, and was not there before, is not published at all. Readers see all changes at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What must hold before the first step.
    pub preconditions: Vec<Precondition>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Batch {
    /// Every key that a step changes, once each in the order of their first step; then those that only preconditions
    /// name. Changes are published in this order.
    #[must_use]
    pub fn keys(&self) -> Vec<&Key> {
        let tested = self.preconditions.iter().filter_map(Precondition::key);
        let mut seen = HashSet::new();
        self.steps.iter().map(Step::key).chain(tested).filter(|key| seen.insert(*key)).collect()
    }

    pub(crate) fn check_size(&self) -> Result<(), WriteError> {
        match self.steps.len().max(self.preconditions.len()) {
            count if count > MAX_BATCH_STEPS => Err(WriteError::BatchTooLarge { count }),
            _ => Ok(()),
        }
    }
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
    /// For each step what its key held right after it, if the step computes that: `inc` and the list operations.
    /// Empty when a precondition failed.
    pub values: Vec<Option<Bytes>>,
}
