//! Operations on one key. Name, arguments and result of each operation are defined here and nowhere else.

use std::fmt;

use bytes::Bytes;

use crate::error::WriteError;
use crate::sizes::Size;
use crate::{Expiry, Key, MAX_LEASED_BYTES, OnlyIf, list};

/// An operation on one key: a write of its own, a step of a [`BatchOperation`](crate::BatchOperation), or a member of a group.
///
/// The `Debug` form shows the key and the number of bytes, never a value.
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
        /// The new value.
        value: Bytes,
    },
    /// Sets a key only if the key is absent.
    SetIfNotExists {
        /// The key.
        key: Key,
        /// The first value.
        value: Bytes,
    },
    /// Sets a key only if it holds exactly `test`.
    TestAndSet {
        /// The key.
        key: Key,
        /// The value that the key must hold.
        test: Bytes,
        /// The new value.
        value: Bytes,
    },
    /// Sets a key with a lease, under a condition. The key expires unless its holder renews the lease.
    ///
    /// The answer shows the fence of the lease. The value may have [`MAX_LEASED_BYTES`](crate::MAX_LEASED_BYTES).
    SetExpiring {
        /// The key.
        key: Key,
        /// The new value.
        value: Bytes,
        /// The time after which the key expires.
        expiry: Expiry,
        /// The condition.
        only_if: OnlyIf,
    },
    /// Deletes a key. A missing key changes nothing.
    Delete {
        /// The key.
        key: Key,
    },
    /// Deletes a key only if it holds exactly `test`.
    TestAndDelete {
        /// The key.
        key: Key,
        /// The value that the key must hold.
        test: Bytes,
    },
    /// Adds to a signed 64-bit integer. A missing key counts as 0.
    Inc {
        /// The key.
        key: Key,
        /// The number to add.
        delta: i64,
    },
    /// Appends items to a list value.
    AppendValues {
        /// The key.
        key: Key,
        /// The items, in order.
        items: Vec<String>,
    },
    /// Appends the items that a list value does not contain yet.
    AppendUniqueValues {
        /// The key.
        key: Key,
        /// The candidate items, in order.
        items: Vec<String>,
    },
    /// Removes every occurrence of the items from a list value. A list that becomes empty is deleted.
    RemoveValues {
        /// The key.
        key: Key,
        /// The items to remove.
        items: Vec<String>,
    },
}

/// The values in the answer to an operation on one key, beside the revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client has to turn each of them into a result of its own")]
pub enum ResultKind {
    /// The key's previous value. A step of a batch answers nothing.
    Previous,
    /// The key's previous value, and its new integer in decimal.
    Integer,
    /// The key's previous value, and the fence of its new lease in decimal. No fence when the write was not applied.
    Fence,
    /// The key's previous value, and its new list. There is no new value when the list became empty.
    List,
}

/// The content of a key after an operation was applied.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "a client has to know how to look for each of them")]
pub enum Leaves<'a> {
    /// Exactly this value.
    Value(&'a Bytes),
    /// Exactly this value. The operation has a condition, and a step of a batch may therefore have left the key alone.
    ValueIf(&'a Bytes),
    /// Nothing.
    Nothing,
    /// Nothing, under the same condition as [`Leaves::ValueIf`].
    NothingIf,
    /// The value in the answer, or nothing if the answer has none.
    Answer,
}

/// The arguments of an operation's script, beside the key.
pub(crate) enum Arguments<'a> {
    None,
    Value(&'a Bytes),
    ValueAndTest(&'a Bytes, &'a Bytes),
    Number(i64),
    Items(&'a [String]),
    Expiring(&'a Bytes, Expiry, &'a OnlyIf),
}

impl KeyOperation {
    /// The operation's name as users call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::SetIfNotExists { .. } => "set_if_not_exists",
            Self::TestAndSet { .. } => "test_and_set",
            Self::SetExpiring { .. } => "set_expiring",
            Self::Delete { .. } => "delete",
            Self::TestAndDelete { .. } => "test_and_delete",
            Self::Inc { .. } => "inc",
            Self::AppendValues { .. } => "append_values",
            Self::AppendUniqueValues { .. } => "append_unique_values",
            Self::RemoveValues { .. } => "remove_values",
        }
    }

    /// The key that the operation reads and changes.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Set { key, .. }
            | Self::SetIfNotExists { key, .. }
            | Self::TestAndSet { key, .. }
            | Self::SetExpiring { key, .. }
            | Self::Delete { key }
            | Self::TestAndDelete { key, .. }
            | Self::Inc { key, .. }
            | Self::AppendValues { key, .. }
            | Self::AppendUniqueValues { key, .. }
            | Self::RemoveValues { key, .. } => key,
        }
    }

    /// The values in the operation's answer.
    #[must_use]
    pub const fn result(&self) -> ResultKind {
        match self {
            Self::Set { .. }
            | Self::SetIfNotExists { .. }
            | Self::TestAndSet { .. }
            | Self::Delete { .. }
            | Self::TestAndDelete { .. } => ResultKind::Previous,
            Self::SetExpiring { .. } => ResultKind::Fence,
            Self::Inc { .. } => ResultKind::Integer,
            Self::AppendValues { .. } | Self::AppendUniqueValues { .. } | Self::RemoveValues { .. } => {
                ResultKind::List
            }
        }
    }

    /// The content of the key after the operation was applied.
    #[must_use]
    pub const fn leaves(&self) -> Leaves<'_> {
        match self {
            Self::Set { value, .. } => Leaves::Value(value),
            Self::SetIfNotExists { value, .. } | Self::TestAndSet { value, .. } => Leaves::ValueIf(value),
            Self::SetExpiring { value, only_if, .. } => match only_if {
                OnlyIf::Any => Leaves::Value(value),
                OnlyIf::Absent | OnlyIf::Equals(_) => Leaves::ValueIf(value),
            },
            Self::Delete { .. } => Leaves::Nothing,
            Self::TestAndDelete { .. } => Leaves::NothingIf,
            Self::Inc { .. }
            | Self::AppendValues { .. }
            | Self::AppendUniqueValues { .. }
            | Self::RemoveValues { .. } => Leaves::Answer,
        }
    }

    pub(crate) fn arguments(&self) -> Arguments<'_> {
        match self {
            Self::Set { value, .. } | Self::SetIfNotExists { value, .. } => Arguments::Value(value),
            Self::TestAndSet { test, value, .. } => Arguments::ValueAndTest(value, test),
            Self::SetExpiring { value, expiry, only_if, .. } => Arguments::Expiring(value, *expiry, only_if),
            Self::Delete { .. } => Arguments::None,
            Self::TestAndDelete { test, .. } => Arguments::Value(test),
            Self::Inc { delta, .. } => Arguments::Number(*delta),
            Self::AppendValues { items, .. }
            | Self::AppendUniqueValues { items, .. }
            | Self::RemoveValues { items, .. } => Arguments::Items(items),
        }
    }

    /// True when [`write_group`](crate::script::write_group) may send the operation together with others.
    ///
    /// List operations are never grouped. The server reads and writes the whole list, and every other write of the
    /// group would wait.
    #[must_use]
    pub const fn may_be_grouped(&self) -> bool {
        match self.result() {
            ResultKind::Previous | ResultKind::Integer | ResultKind::Fence => true,
            ResultKind::List => false,
        }
    }

    /// Total number of bytes of the key, values and items.
    #[must_use]
    pub fn size(&self) -> usize {
        let more = match self.arguments() {
            Arguments::None | Arguments::Number(_) => 0,
            Arguments::Value(value) => value.len(),
            Arguments::ValueAndTest(value, test) | Arguments::Expiring(value, _, OnlyIf::Equals(test)) => {
                value.len() + test.len()
            }
            Arguments::Expiring(value, _, OnlyIf::Any | OnlyIf::Absent) => value.len(),
            Arguments::Items(items) => items.iter().map(String::len).sum(),
        };
        self.key().as_bytes().len() + more
    }

    /// Key and value of a plain [`Set`](Self::Set).
    pub(crate) const fn put(&self) -> Option<(&Key, &Bytes)> {
        match self {
            Self::Set { key, value } => Some((key, value)),
            Self::SetIfNotExists { .. }
            | Self::TestAndSet { .. }
            | Self::SetExpiring { .. }
            | Self::Delete { .. }
            | Self::TestAndDelete { .. }
            | Self::Inc { .. }
            | Self::AppendValues { .. }
            | Self::AppendUniqueValues { .. }
            | Self::RemoveValues { .. } => None,
        }
    }

    /// True when the operation begins a lease, so that its write needs the sidecars.
    #[must_use]
    pub const fn begins_lease(&self) -> bool {
        match self.result() {
            ResultKind::Fence => true,
            ResultKind::Previous | ResultKind::Integer | ResultKind::List => false,
        }
    }

    /// Rejects an operation that no content could make valid.
    pub(crate) fn check(&self, lists: list::Limit) -> Result<(), WriteError> {
        match self.arguments() {
            Arguments::Items(items) => lists.check_given(items),
            Arguments::Expiring(value, ..) if value.len() > MAX_LEASED_BYTES => {
                Err(WriteError::LeasedValueTooLong { length: value.len() })
            }
            Arguments::None
            | Arguments::Value(_)
            | Arguments::ValueAndTest(..)
            | Arguments::Number(_)
            | Arguments::Expiring(..) => Ok(()),
        }
    }
}

impl fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "Value({:?})", Size::of(value)),
            Self::ValueIf(value) => write!(f, "ValueIf({:?})", Size::of(value)),
            Self::Nothing => f.write_str("Nothing"),
            Self::NothingIf => f.write_str("NothingIf"),
            Self::Answer => f.write_str("Answer"),
        }
    }
}

impl fmt::Debug for OnlyIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Absent => f.write_str("absent"),
            Self::Equals(test) => write!(f, "equals({:?})", Size::of(test)),
        }
    }
}

impl fmt::Debug for KeyOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}, {:?})", self.name(), self.key(), Size(self.size()))
    }
}
