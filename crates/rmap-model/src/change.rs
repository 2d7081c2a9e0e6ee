//! The effect of an operation on the value of its key.

use std::collections::HashSet;

use bytes::Bytes;
use rmap_proto::{KeyOperation, OnlyIf, WriteError, list};

/// The decision about an operation on one key.
pub(super) struct KeyChange {
    /// `None` for no change, `Some(None)` to delete the key.
    pub(super) value: Option<Option<Bytes>>,
    /// The value in the answer.
    pub(super) shown: Option<Bytes>,
    /// Number of list items that the operation read and wrote.
    pub(super) items: usize,
}

impl KeyChange {
    const NONE: Self = Self { value: None, shown: None, items: 0 };

    fn set(value: &Bytes) -> Self {
        Self { value: Some(Some(value.clone())), ..Self::NONE }
    }

    fn delete() -> Self {
        Self { value: Some(None), ..Self::NONE }
    }

    fn sum(value: Bytes) -> Self {
        Self { value: Some(Some(value.clone())), shown: Some(value), items: 0 }
    }

    /// Sets the key to the list `made`, or deletes the key if the list is empty. `read` is the number of items of the
    /// previous list.
    fn list(made: &[String], read: usize, limit: list::Limit) -> Result<Self, WriteError> {
        limit.check(made.len(), 0)?;
        let text = (!made.is_empty()).then(|| list::encode(made));
        limit.check(0, text.as_ref().map_or(0, Bytes::len))?;
        Ok(Self { value: Some(text.clone()), shown: text, items: read + made.len() })
    }

    fn unchanged(previous: Option<&Bytes>, read: usize) -> Self {
        Self { value: None, shown: previous.cloned(), items: 2 * read }
    }
}

/// Decides an operation on one key.
pub(super) fn decide(
    operation: &KeyOperation,
    previous: Option<&Bytes>,
    lists: list::Limit,
) -> Result<KeyChange, WriteError> {
    let set_if = |holds: bool, value| if holds { KeyChange::set(value) } else { KeyChange::NONE };
    let delete_if = |holds: bool| if holds { KeyChange::delete() } else { KeyChange::NONE };
    Ok(match operation {
        KeyOperation::Set { value, .. } => KeyChange::set(value),
        KeyOperation::SetIfNotExists { value, .. } => set_if(previous.is_none(), value),
        KeyOperation::TestAndSet { test, value, .. } => set_if(previous == Some(test), value),
        KeyOperation::SetExpiring { value, only_if, .. } => match only_if {
            OnlyIf::Any => KeyChange::set(value),
            OnlyIf::Absent => set_if(previous.is_none(), value),
            OnlyIf::Equals(test) => set_if(previous == Some(test), value),
        },
        KeyOperation::Delete { .. } => delete_if(previous.is_some()),
        KeyOperation::TestAndDelete { test, .. } => delete_if(previous == Some(test)),
        KeyOperation::Inc { delta, .. } => KeyChange::sum(sum(previous, *delta)?),
        KeyOperation::AppendValues { items, .. } => append(previous, items, lists)?,
        KeyOperation::AppendUniqueValues { items, .. } => append_unique(previous, items, lists)?,
        KeyOperation::RemoveValues { items, .. } => remove(previous, items, lists)?,
    })
}

/// Adds by the rule of `HINCRBY`: only the canonical text of a number counts as a number.
fn sum(previous: Option<&Bytes>, delta: i64) -> Result<Bytes, WriteError> {
    let number = match previous {
        None => 0,
        Some(text) => canonical_integer(text).ok_or(WriteError::NotAnInteger)?,
    };
    let sum = number.checked_add(delta).ok_or(WriteError::Overflow)?;
    Ok(sum.to_string().into())
}

fn canonical_integer(text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}

fn append(previous: Option<&Bytes>, items: &[String], limit: list::Limit) -> Result<KeyChange, WriteError> {
    let mut list = parse(previous)?;
    let read = list.len();
    if items.is_empty() {
        return Ok(KeyChange::unchanged(previous, read));
    }
    list.extend_from_slice(items);
    KeyChange::list(&list, read, limit)
}

fn append_unique(
    previous: Option<&Bytes>,
    items: &[String],
    limit: list::Limit,
) -> Result<KeyChange, WriteError> {
    let mut list = parse(previous)?;
    let read = list.len();
    let mut seen: HashSet<String> = list.iter().cloned().collect();
    list.extend(items.iter().filter(|item| seen.insert((*item).clone())).cloned());
    if list.len() == read {
        return Ok(KeyChange::unchanged(previous, read));
    }
    KeyChange::list(&list, read, limit)
}

fn remove(previous: Option<&Bytes>, items: &[String], limit: list::Limit) -> Result<KeyChange, WriteError> {
    let mut list = parse(previous)?;
    let read = list.len();
    let unwanted: HashSet<&String> = items.iter().collect();
    list.retain(|item| !unwanted.contains(item));
    if list.len() == read {
        return Ok(KeyChange::unchanged(previous, read));
    }
    KeyChange::list(&list, read, limit)
}

fn parse(previous: Option<&Bytes>) -> Result<Vec<String>, WriteError> {
    let Some(value) = previous else { return Ok(Vec::new()) };
    if value.len() > list::MAX_BYTES {
        return Err(WriteError::ListTooLong);
    }
    list::parse(value).map_err(|_| WriteError::NotAList)
}
