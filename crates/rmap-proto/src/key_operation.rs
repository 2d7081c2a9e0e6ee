//! Operations on one key: the one place that says what each is called, what it is sent as and what it answers.

use std::fmt;

use bytes::Bytes;

use crate::error::WriteError;
use crate::sizes::Size;
use crate::{Key, list};

/// An operation on one key: a write of its own, a step of a [`Batch`](crate::Batch), or a member of a group.
///
/// Its `Debug` form tells the key and how many bytes there are, never a value.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what gives the operations their meaning has to know each of them"
)]
pub enum KeyOperation {
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
}

/// What the answer to an operation on one key tells beside its revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client has to turn each of them into a result of its own")]
pub enum ResultKind {
    /// What the key held before. As a step of a batch it tells nothing.
    Previous,
    /// What the key held before and the integer that it holds now, in decimal.
    Integer,
    /// What the key held before and the list that it holds now; none is left when it is empty.
    List,
}

/// What a script is given of an operation beside its key.
pub(crate) enum Arguments<'a> {
    None,
    Value(&'a Bytes),
    ValueAndTest(&'a Bytes, &'a Bytes),
    Number(i64),
    Items(&'a [String]),
}

impl KeyOperation {
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
        }
    }

    /// The key that it is about.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Set { key, .. }
            | Self::SetIfNotExists { key, .. }
            | Self::TestAndSet { key, .. }
            | Self::Delete { key }
            | Self::TestAndDelete { key, .. }
            | Self::Inc { key, .. }
            | Self::AppendValues { key, .. }
            | Self::AppendUniqueValues { key, .. }
            | Self::RemoveValues { key, .. } => key,
        }
    }

    /// What its answer tells.
    #[must_use]
    pub const fn result(&self) -> ResultKind {
        match self {
            Self::Set { .. }
            | Self::SetIfNotExists { .. }
            | Self::TestAndSet { .. }
            | Self::Delete { .. }
            | Self::TestAndDelete { .. } => ResultKind::Previous,
            Self::Inc { .. } => ResultKind::Integer,
            Self::AppendValues { .. } | Self::AppendUniqueValues { .. } | Self::RemoveValues { .. } => {
                ResultKind::List
            }
        }
    }

    pub(crate) fn arguments(&self) -> Arguments<'_> {
        match self {
            Self::Set { value, .. } | Self::SetIfNotExists { value, .. } => Arguments::Value(value),
            Self::TestAndSet { test, value, .. } => Arguments::ValueAndTest(value, test),
            Self::Delete { .. } => Arguments::None,
            Self::TestAndDelete { test, .. } => Arguments::Value(test),
            Self::Inc { delta, .. } => Arguments::Number(*delta),
            Self::AppendValues { items, .. }
            | Self::AppendUniqueValues { items, .. }
            | Self::RemoveValues { items, .. } => Arguments::Items(items),
        }
    }

    /// True when it may be sent together with others by [`write_group`](crate::script::write_group).
    ///
    /// An operation on a list may not: the server reads and writes the whole list, and the others would wait for it.
    #[must_use]
    pub const fn may_be_grouped(&self) -> bool {
        match self.result() {
            ResultKind::Previous | ResultKind::Integer => true,
            ResultKind::List => false,
        }
    }

    /// How many bytes its key, values and items have together.
    #[must_use]
    pub fn size(&self) -> usize {
        let more = match self.arguments() {
            Arguments::None | Arguments::Number(_) => 0,
            Arguments::Value(value) => value.len(),
            Arguments::ValueAndTest(value, test) => value.len() + test.len(),
            Arguments::Items(items) => items.iter().map(String::len).sum(),
        };
        self.key().as_bytes().len() + more
    }

    /// Key and value of one that sets the key whatever it holds.
    pub(crate) const fn put(&self) -> Option<(&Key, &Bytes)> {
        match self {
            Self::Set { key, value } => Some((key, value)),
            Self::SetIfNotExists { .. }
            | Self::TestAndSet { .. }
            | Self::Delete { .. }
            | Self::TestAndDelete { .. }
            | Self::Inc { .. }
            | Self::AppendValues { .. }
            | Self::AppendUniqueValues { .. }
            | Self::RemoveValues { .. } => None,
        }
    }

    /// Refuses what can be refused without looking at the hash.
    pub(crate) fn check(&self, lists: list::Limit) -> Result<(), WriteError> {
        match self.arguments() {
            Arguments::Items(items) => lists.check_given(items),
            Arguments::None | Arguments::Value(_) | Arguments::ValueAndTest(..) | Arguments::Number(_) => {
                Ok(())
            }
        }
    }
}

impl fmt::Debug for KeyOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}, {:?})", self.name(), self.key(), Size(self.size()))
    }
}
