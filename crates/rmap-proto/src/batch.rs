//! Several changes in one atomic step.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bytes::Bytes;

use crate::error::WriteError;
use crate::sizes::Size;
use crate::{Key, KeyOperation, Revision, list};

/// Largest number of steps, and of preconditions, in one [`BatchOperation`].
///
/// More arguments would overflow the stack of a Lua script.
pub const MAX_BATCH_STEPS: usize = 2_500;

/// Largest number of bytes of keys and values that a batch may change: 16 MiB.
///
/// A larger burst of notifications could make the server disconnect slow subscribers. List steps have a second limit:
/// together they may read and write as much as eight lists of the [greatest length](list::Limit), and at most twice
/// these bytes. Longer work would block the server for everyone.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// Largest sum of values that one script should read, in bytes: the server serves nobody else meanwhile.
///
/// The server does not hold writers to it. A client compares it with the sizes that its own copy has.
pub const MAX_READ_BYTES: usize = 2 * MAX_BATCH_BYTES;

/// Several operations on single keys that apply all together or not at all.
///
/// The batch applies if every precondition holds before the first step. Each step sees the effect of the steps before
/// it. A step whose own condition does not hold changes nothing, and the following steps still run.
///
/// Readers see all changes at once. The server publishes one notification for each key that changed, with the key's
/// final value, in the order of the keys' first steps. A key that did not exist and that the batch sets and then
/// deletes is not published.
///
/// The `Debug` form shows the number of steps and bytes, never a value.
///
/// ```
/// use rmap_proto::{BatchOperation, Key, KeyOperation, Precondition};
///
/// # fn main() -> Result<(), rmap_proto::InvalidKey> {
/// let (from, to) = (Key::new("stock")?, Key::new("sold")?);
/// let preconditions = vec![Precondition::Equals { key: Key::new("open")?, value: "yes".into() }];
/// let steps = vec![
///     KeyOperation::Inc { key: from.clone(), delta: -1 },
///     KeyOperation::Inc { key: to.clone(), delta: 1 },
/// ];
/// let batch = BatchOperation::new(preconditions, steps);
/// assert_eq!(batch.keys(), [&from, &to]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BatchOperation {
    /// Conditions that must all hold before the first step.
    pub preconditions: Vec<Precondition>,
    /// The steps, in order.
    pub steps: Vec<KeyOperation>,
}

impl BatchOperation {
    /// A batch with these preconditions and steps.
    #[must_use]
    pub const fn new(preconditions: Vec<Precondition>, steps: Vec<KeyOperation>) -> Self {
        Self { preconditions, steps }
    }

    /// The distinct keys of the steps, in the order of each key's first step.
    #[must_use]
    pub fn keys(&self) -> Vec<&Key> {
        distinct(self.steps.iter().map(KeyOperation::key))
    }

    /// Every key whose value the script reads, once. A batch of sets alone reads the keys of its preconditions only.
    pub(crate) fn read_keys(&self) -> Vec<&Key> {
        let tested = self.preconditions.iter().filter_map(Precondition::key);
        distinct(self.read_steps().iter().map(KeyOperation::key).chain(tested))
    }

    /// The steps that the script carries out on what their keys hold: none where all are sets, which overwrite it.
    pub(crate) fn read_steps(&self) -> &[KeyOperation] {
        if self.steps.iter().all(|step| step.put().is_some()) { &[] } else { &self.steps }
    }

    /// The final value of every key, in the order of the keys' first steps, if all steps are [`KeyOperation::Set`].
    pub(crate) fn puts(&self) -> Option<Vec<(&Key, &Bytes)>> {
        let puts: Vec<(&Key, &Bytes)> = self.steps.iter().map(KeyOperation::put).collect::<Option<_>>()?;
        let last: HashMap<&Key, &Bytes> = puts.iter().copied().collect();
        Some(distinct(puts.iter().map(|(key, _)| *key)).into_iter().map(|key| (key, last[key])).collect())
    }

    /// Rejects a batch that no content could make valid.
    pub(crate) fn check(&self, lists: list::Limit) -> Result<(), WriteError> {
        let count = self.steps.len().max(self.preconditions.len());
        if count > MAX_BATCH_STEPS {
            return Err(WriteError::TooManySteps { count });
        }
        for (step, operation) in self.steps.iter().enumerate() {
            let checked = operation.check(lists);
            checked.map_err(|cause| WriteError::Step { step, cause: Box::new(cause) })?;
        }
        Ok(())
    }
}

impl fmt::Debug for BatchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.steps.iter().map(KeyOperation::size).sum();
        f.debug_struct("BatchOperation")
            .field("preconditions", &self.preconditions.len())
            .field("steps", &self.steps.len())
            .field("bytes", &Size(bytes))
            .finish()
    }
}

/// Removes duplicates and keeps the first occurrence of each key.
pub(crate) fn distinct<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<&'a Key> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(*key)).collect()
}

/// A condition for a [`BatchOperation`] as a whole.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum Precondition {
    /// The key holds exactly this value.
    Equals {
        /// The key.
        key: Key,
        /// The value that the key must hold.
        value: Bytes,
    },
    /// The key is missing.
    Absent {
        /// The key.
        key: Key,
    },
    /// The map is at exactly this revision. `None` means that the hash does not exist.
    Revision(
        /// The revision.
        Option<Revision>,
    ),
}

impl Precondition {
    /// The tested key, or `None` for a condition on the whole map.
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

/// The part of [`WriteReply`](crate::WriteReply) that only a [`BatchOperation`] has.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchReply {
    /// Number of keys that changed. Each change took one revision, and the batch's answer carries the last of them.
    pub changed: u32,
    /// Index of the first precondition that failed, counted from 0. `None` means that all preconditions held.
    pub failed: Option<usize>,
    /// One value for each step whose [result](KeyOperation::result) is an integer, a fence or a list, in step order: the
    /// key's value right after that step, or the fence of a step that began a lease. Empty when a precondition failed.
    pub values: Vec<Option<Bytes>>,
}

impl BatchReply {
    /// The outcome of a batch.
    #[must_use]
    pub const fn new(changed: u32, failed: Option<usize>, values: Vec<Option<Bytes>>) -> Self {
        Self { changed, failed, values }
    }
}

impl fmt::Debug for BatchReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self.values.iter().map(|value| value.as_ref().map(Size::of)).collect();
        f.debug_struct("BatchReply")
            .field("changed", &self.changed)
            .field("failed", &self.failed)
            .field("values", &values)
            .finish()
    }
}
