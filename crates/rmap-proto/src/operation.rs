//! The writes of a map, as values.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{InvalidTtl, WriteError};
use crate::sizes::Size;
use crate::{
    BatchOperation, BatchReply, Key, KeyOperation, MAX_BATCH_BYTES, MAX_BATCH_STEPS, Revision, list,
};

/// A write as its caller means it. The Lua scripts and the model (`rmap-model`) give it the same meaning.
///
/// The `Debug` form shows keys and the number of bytes, never a value.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what gives the operations their meaning has to know each of them"
)]
pub enum Operation {
    /// An operation on one key.
    Key(
        /// The operation.
        KeyOperation,
    ),
    /// Clears the map.
    Reset,
    /// Clears the map if every key holds exactly its test value. At least one pair is required.
    TestAndReset {
        /// Pairs of a key and the value that it must hold.
        tests: Vec<(Key, Bytes)>,
    },
    /// Clears the map for good. The only difference from [`Operation::Reset`] is the published notification.
    Destroy,
    /// Several changes in one atomic step.
    Batch(
        /// The steps and preconditions.
        BatchOperation,
    ),
}

impl Operation {
    /// The operation's name as users call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Key(operation) => operation.name(),
            Self::Reset => "reset",
            Self::TestAndReset { .. } => "test_and_reset",
            Self::Destroy => "destroy",
            Self::Batch(_) => "batch",
        }
    }

    /// The operation on one key, or `None` for an operation on several keys or the whole map.
    #[must_use]
    pub const fn on_key(&self) -> Option<&KeyOperation> {
        match self {
            Self::Key(operation) => Some(operation),
            Self::Reset | Self::TestAndReset { .. } | Self::Destroy | Self::Batch(_) => None,
        }
    }

    /// The key of the operation, or `None` for an operation on several keys or the whole map.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.on_key().map(KeyOperation::key)
    }

    /// The sum of `size` over the keys whose values the script reads: with the sizes of the values, about how many bytes
    /// the server handles at once.
    pub fn read_bytes(&self, size: impl Fn(&Key) -> usize) -> usize {
        match self {
            Self::Key(operation) => size(operation.key()),
            Self::Batch(batch) => batch.read_keys().into_iter().map(size).sum(),
            Self::TestAndReset { tests } => tests.iter().map(|(key, _)| size(key)).sum(),
            Self::Reset | Self::Destroy => 0,
        }
    }

    /// The step of a batch with this index, counted from 0. `None` if there is no such step.
    #[must_use]
    pub fn step(&self, index: usize) -> Option<&KeyOperation> {
        match self {
            Self::Batch(batch) => batch.steps.get(index),
            Self::Key(_) | Self::Reset | Self::TestAndReset { .. } | Self::Destroy => None,
        }
    }

    /// True when the operation, or a step of it, begins a lease. Its write needs the sidecars then.
    #[must_use]
    pub fn begins_lease(&self) -> bool {
        match self {
            Self::Key(operation) => operation.begins_lease(),
            Self::Batch(batch) => batch.steps.iter().any(KeyOperation::begins_lease),
            Self::Reset | Self::TestAndReset { .. } | Self::Destroy => false,
        }
    }

    /// True when a closed handle may still run the operation. Clearing needs nothing that the handle holds.
    #[must_use]
    pub const fn outlives_close(&self) -> bool {
        match self {
            Self::Reset | Self::Destroy => true,
            Self::Key(_) | Self::TestAndReset { .. } | Self::Batch(_) => false,
        }
    }
}

impl From<KeyOperation> for Operation {
    fn from(operation: KeyOperation) -> Self {
        Self::Key(operation)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(operation) => operation.fmt(f),
            Self::Batch(batch) => batch.fmt(f),
            Self::TestAndReset { tests } => {
                let tests = tests.iter().map(|(key, test)| (key, Size::of(test)));
                f.write_str("test_and_reset")?;
                f.debug_map().entries(tests).finish()
            }
            Self::Reset | Self::Destroy => f.write_str(self.name()),
        }
    }
}

/// Time to live of the hash on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum Ttl {
    /// Writes leave the time to live unchanged.
    #[default]
    None,
    /// The first write sets the time to live if the hash has none. No write extends it.
    Absolute(TtlMillis),
    /// Every applied write restarts the time to live.
    Sliding(TtlMillis),
}

/// A time to live in whole milliseconds, from 1 to 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TtlMillis(u64);

impl TtlMillis {
    /// Rounds a duration up to whole milliseconds.
    ///
    /// # Errors
    ///
    /// [`InvalidTtl`] when the duration is zero or longer than 2^53 milliseconds.
    pub fn new(ttl: Duration) -> Result<Self, InvalidTtl> {
        let millis = ttl.as_nanos().div_ceil(1_000_000);
        match u64::try_from(millis) {
            Ok(0) => Err(InvalidTtl::Zero),
            Ok(millis) if millis <= 1 << 53 => Ok(Self(millis)),
            _ => Err(InvalidTtl::TooLong),
        }
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// An operation together with the settings of the handle that sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Write {
    /// The operation.
    pub operation: Operation,
    /// Time to live that the write gives to the hash.
    pub ttl: Ttl,
    /// Largest size of a list that the write produces.
    pub lists: list::Limit,
    /// Number of bytes that the key holds now, or 0 when the caller does not know.
    ///
    /// The number is a hint about the size of the answer, which carries the previous value. A transport that groups
    /// writes may send a write with a large answer alone. No decision depends on the hint, and the server never sees
    /// it.
    pub held: usize,
    /// True when the map may have leases, as [`Leases::On`](crate::Leases::On) says. The write then ends the leases of the keys
    /// that it changes, or carries them over. An operation that begins a lease implies it.
    pub leases: bool,
}

impl Write {
    /// An operation with this time to live, the default limit on lists, and no hint about the key's size.
    #[must_use]
    pub fn new(operation: impl Into<Operation>, ttl: Ttl) -> Self {
        Self { operation: operation.into(), ttl, lists: list::Limit::default(), held: 0, leases: false }
    }

    /// Sets the largest size of a list that the write produces.
    #[must_use]
    pub const fn lists(mut self, lists: list::Limit) -> Self {
        self.lists = lists;
        self
    }

    /// Sets the hint about the number of bytes that the key holds now.
    #[must_use]
    pub const fn held(mut self, held: usize) -> Self {
        self.held = held;
        self
    }

    /// Sets whether the map may have leases.
    #[must_use]
    pub const fn leases(mut self, leases: bool) -> Self {
        self.leases = leases;
        self
    }

    /// Rejects a write that no content could make valid.
    ///
    /// # Errors
    ///
    /// - [`WriteError::NoTests`] for a [`Operation::TestAndReset`] without any pair.
    /// - [`WriteError::TooManySteps`] for too many steps, preconditions or tests.
    /// - [`WriteError::BatchTooLarge`] for tests with more bytes than a batch may have.
    /// - [`WriteError::LeasedValueTooLong`] for a value that no lease can guard.
    /// - [`WriteError::ListTooLong`] for more items than a list may have, within a batch wrapped in [`WriteError::Step`].
    pub fn check(&self) -> Result<(), WriteError> {
        match &self.operation {
            Operation::Key(operation) => operation.check(self.lists),
            Operation::TestAndReset { tests } => check_tests(tests),
            Operation::Batch(batch) => batch.check(self.lists),
            Operation::Reset | Operation::Destroy => Ok(()),
        }
    }
}

/// The script reads each key, so it has the limits of a batch.
fn check_tests(tests: &[(Key, Bytes)]) -> Result<(), WriteError> {
    let count = tests.len();
    if count == 0 {
        return Err(WriteError::NoTests);
    }
    if count > MAX_BATCH_STEPS {
        return Err(WriteError::TooManySteps { count });
    }
    let bytes: usize = tests.iter().map(|(key, test)| key.as_bytes().len() + test.len()).sum();
    if bytes > MAX_BATCH_BYTES { Err(WriteError::BatchTooLarge) } else { Ok(()) }
}

/// The authority's answer to a write that applied, or whose condition did not hold.
///
/// The `Debug` form shows the number of bytes of values, never a value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteReply {
    /// True when the write changed something. Exactly then the server published a notification.
    pub applied: bool,
    /// The revision at which the server decided: the new revision of an applied write, else the current one. `None`
    /// means that the hash does not exist.
    pub revision: Option<Revision>,
    /// The key's previous value. `None` for a missing key and for operations on the whole map.
    pub previous: Option<Bytes>,
    /// The key's new value, for `inc` and the list operations; the fence in decimal for a set with a lease. `None` otherwise, and when the key is missing now.
    pub value: Option<Bytes>,
    /// The batch's own part of the answer. `None` for other operations.
    pub batch: Option<BatchReply>,
}

impl WriteReply {
    /// An answer without values.
    #[must_use]
    pub const fn new(applied: bool, revision: Option<Revision>) -> Self {
        Self { applied, revision, previous: None, value: None, batch: None }
    }

    /// Sets the key's previous value.
    #[must_use]
    pub fn previous(mut self, previous: Option<Bytes>) -> Self {
        self.previous = previous;
        self
    }

    /// Sets the key's new value.
    #[must_use]
    pub fn value(mut self, value: Option<Bytes>) -> Self {
        self.value = value;
        self
    }

    /// Sets the batch's own part of the answer.
    #[must_use]
    pub fn batch(mut self, batch: Option<BatchReply>) -> Self {
        self.batch = batch;
        self
    }
}

impl fmt::Debug for WriteReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteReply")
            .field("applied", &self.applied)
            .field("revision", &self.revision)
            .field("previous", &self.previous.as_ref().map(Size::of))
            .field("value", &self.value.as_ref().map(Size::of))
            .field("batch", &self.batch)
            .finish()
    }
}
