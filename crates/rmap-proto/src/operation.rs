//! The writes of a map, as values.

use std::time::Duration;

use bytes::Bytes;

use crate::error::{InvalidTtl, WriteError};
use crate::{Batch, BatchWritten, Key, Revision, list};

/// A write as its caller means it; the Lua scripts and the [model](crate::authority) give it the same meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Sets a key to a value.
    Set {
        /// The key.
        key: Key,
        /// Its new value.
        value: Bytes,
    },
    /// Sets a key that is absent.
    SetIfNotExists {
        /// The key.
        key: Key,
        /// Its first value.
        value: Bytes,
    },
    /// Sets a key that holds exactly `test`.
    TestAndSet {
        /// The key.
        key: Key,
        /// The value it must hold.
        test: Bytes,
        /// Its new value.
        value: Bytes,
    },
    /// Deletes a key; a missing one changes nothing.
    Delete {
        /// The key.
        key: Key,
    },
    /// Deletes a key that holds exactly `test`.
    TestAndDelete {
        /// The key.
        key: Key,
        /// The value it must hold.
        test: Bytes,
    },
    /// Adds to a signed 64-bit integer; a missing key counts as 0.
    Inc {
        /// The key.
        key: Key,
        /// What is added.
        delta: i64,
    },
    /// Appends items to a list value.
    AppendValues {
        /// The key.
        key: Key,
        /// The items, in order.
        items: Vec<String>,
    },
    /// Appends those items to a list value that are not in it yet.
    AppendUniqueValues {
        /// The key.
        key: Key,
        /// The items, in order.
        items: Vec<String>,
    },
    /// Removes every occurrence of the items from a list value; an emptied list is deleted.
    RemoveValues {
        /// The key.
        key: Key,
        /// The items.
        items: Vec<String>,
    },
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
            Self::Set { .. } => "set",
            Self::SetIfNotExists { .. } => "set_if_not_exists",
            Self::TestAndSet { .. } => "test_and_set",
            Self::Delete { .. } => "delete",
            Self::TestAndDelete { .. } => "test_and_delete",
            Self::Inc { .. } => "inc",
            Self::AppendValues { .. } => "append_values",
            Self::AppendUniqueValues { .. } => "append_unique_values",
            Self::RemoveValues { .. } => "remove_values",
            Self::Reset => "reset",
            Self::TestAndReset { .. } => "test_and_reset",
            Self::Destroy => "destroy",
            Self::Batch(_) => "batch",
        }
    }
}

/// How long the hash lives on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
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
}

impl Write {
    /// An operation with this time to live, and with the usual limit on lists.
    #[must_use]
    pub fn new(operation: Operation, ttl: Ttl) -> Self {
        Self { operation, ttl, lists: list::Limit::default() }
    }

    /// Refuses what can be refused without looking at the hash.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        match &self.operation {
            Operation::AppendValues { items, .. }
            | Operation::AppendUniqueValues { items, .. }
            | Operation::RemoveValues { items, .. } => self.lists.check_given(items),
            Operation::TestAndReset { tests } if tests.is_empty() => Err(WriteError::NoTests),
            Operation::Batch(batch) => batch.check(self.lists),
            Operation::Set { .. }
            | Operation::SetIfNotExists { .. }
            | Operation::TestAndSet { .. }
            | Operation::Delete { .. }
            | Operation::TestAndDelete { .. }
            | Operation::Inc { .. }
            | Operation::Reset
            | Operation::TestAndReset { .. }
            | Operation::Destroy => Ok(()),
        }
    }
}

/// What the authority says of a write that it carried out or whose condition did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
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
