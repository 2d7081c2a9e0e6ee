//! The writes of a map, as values.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{InvalidTtl, WriteError};
use crate::sizes::Size;
use crate::{Batch, BatchWritten, Key, KeyOperation, Revision, list};

/// A write as its caller means it; the Lua scripts and the model (`rmap-model`) give it the same meaning.
///
/// Its `Debug` form tells keys and how many bytes there are, never a value.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what gives the operations their meaning has to know each of them"
)]
pub enum Operation {
    /// An operation on one key.
    Key(
        /// Which.
        KeyOperation,
    ),
    /// Clears the map.
    Reset,
    /// Clears the map when every key holds exactly its test value. At least one pair is required.
    TestAndReset {
        /// Pairs of key and value that must all hold.
        tests: Vec<(Key, Bytes)>,
    },
    /// Clears the map for good; differs from [`Operation::Reset`] only in what is published.
    Destroy,
    /// Several changes in one atomic step.
    Batch(
        /// The changes, and what must hold for them.
        Batch,
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

    /// The operation on one key that it is; `None`: it is about several keys or the whole map.
    #[must_use]
    pub const fn on_key(&self) -> Option<&KeyOperation> {
        match self {
            Self::Key(operation) => Some(operation),
            Self::Reset | Self::TestAndReset { .. } | Self::Destroy | Self::Batch(_) => None,
        }
    }

    /// The key that it is about; `None`: several keys or the whole map.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.on_key().map(KeyOperation::key)
    }

    /// The step of a batch with this index, from 0 on; `None` if there is none.
    #[must_use]
    pub fn step(&self, index: usize) -> Option<&KeyOperation> {
        match self {
            Self::Batch(batch) => batch.steps.get(index),
            Self::Key(_) | Self::Reset | Self::TestAndReset { .. } | Self::Destroy => None,
        }
    }

    /// True when a handle that is closed may still carry it out: clearing needs nothing of what the handle holds.
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

/// How long the hash lives on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "what gives them their meaning has to know each of them")]
pub enum Ttl {
    /// The writes leave the time to live as it is.
    #[default]
    None,
    /// Set once, when the hash has none, and never extended.
    Absolute(TtlMillis),
    /// Started again by every applied write.
    Sliding(TtlMillis),
}

/// A time to live in whole milliseconds, at least 1 and at most 2^53.
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

    /// The milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// An operation together with what its handle was joined with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// What is to be done.
    pub operation: Operation,
    /// How the write treats the time to live of the hash.
    pub ttl: Ttl,
    /// How long the lists may be that it makes.
    pub lists: list::Limit,
    /// How many bytes its key holds, as far as the caller knows; 0 where it does not.
    ///
    /// No decision depends on it, and it is not sent. It says how large the answer may be, which tells the previous value: a
    /// transport that has several writes answered together may have this one answered by itself.
    pub held: usize,
}

impl Write {
    /// An operation with this time to live, and with the usual limit on lists, on a key of which nothing is known.
    #[must_use]
    pub fn new(operation: impl Into<Operation>, ttl: Ttl) -> Self {
        Self { operation: operation.into(), ttl, lists: list::Limit::default(), held: 0 }
    }

    /// Refuses what can be refused without looking at the hash.
    ///
    /// # Errors
    ///
    /// [`WriteError::NoTests`], [`WriteError::BatchTooLarge`], and [`WriteError::ListTooLong`] for more items than a list may
    /// have, of a batch within [`WriteError::Step`].
    pub fn check(&self) -> Result<(), WriteError> {
        match &self.operation {
            Operation::Key(operation) => operation.check(self.lists),
            Operation::TestAndReset { tests } if tests.is_empty() => Err(WriteError::NoTests),
            Operation::Batch(batch) => batch.check(self.lists),
            Operation::Reset | Operation::TestAndReset { .. } | Operation::Destroy => Ok(()),
        }
    }
}

/// What the authority says of a write that it carried out or whose condition did not hold.
///
/// Its `Debug` form tells how many bytes the values have, not the values.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// True when something changed, and so was published.
    pub applied: bool,
    /// The revision at which the decision was taken: the new one when applied. `None`: there is no hash.
    pub revision: Option<Revision>,
    /// What the key held before; `None` for a missing key and for operations on the whole map.
    pub previous: Option<Bytes>,
    /// What the key holds now, for `inc` and the list operations; `None` otherwise and for a missing key.
    pub value: Option<Bytes>,
    /// The rest of the answer to a batch; `None` for other operations.
    pub batch: Option<BatchWritten>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("applied", &self.applied)
            .field("revision", &self.revision)
            .field("previous", &self.previous.as_ref().map(Size::of))
            .field("value", &self.value.as_ref().map(Size::of))
            .field("batch", &self.batch)
            .finish()
    }
}
