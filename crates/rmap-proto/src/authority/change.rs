//! What an operation on one key makes of the key's value.

use std::collections::HashSet;

use bytes::Bytes;

use crate::error::WriteError;
use crate::{Operation, list};

/// The decision of an operation on one key.
pub(super) struct KeyChange {
    /// `None`: not applied. `Some(None)`: the key is deleted.
    pub(super) value: Option<Option<Bytes>>,
    /// What the answer tells as the key's value.
    pub(super) shown: Option<Bytes>,
}

impl KeyChange {
    const NONE: Self = Self { value: None, shown: None };

    fn set(value: &Bytes) -> Self {
        Self { value: Some(Some(value.clone())), shown: None }
    }

    fn delete() -> Self {
        Self { value: Some(None), shown: None }
    }

    fn shown(value: Option<Bytes>) -> Self {
        Self { value: Some(value.clone()), shown: value }
    }

    fn unchanged(previous: Option<&Bytes>) -> Self {
        Self { value: None, shown: previous.cloned() }
    }
}

/// Decides for operations on one key; those on the whole map change no key by themselves.
pub(super) fn decide(operation: &Operation, previous: Option<&Bytes>) -> Result<KeyChange, WriteError> {
    Ok(match operation {
        Operation::Set { value, .. } => KeyChange::set(value),
        Operation::SetIfNotExists { value, .. } if previous.is_none() => KeyChange::set(value),
        Operation::TestAndSet { test, value, .. } if previous == Some(test) => KeyChange::set(value),
        Operation::Delete { .. } if previous.is_some() => KeyChange::delete(),
        Operation::TestAndDelete { test, .. } if previous == Some(test) => KeyChange::delete(),
        Operation::Inc { delta, .. } => KeyChange::shown(Some(sum(previous, *delta)?)),
        Operation::AppendValues { items, .. } => append(previous, items)?,
        Operation::AppendUniqueValues { items, .. } => append_unique(previous, items)?,
        Operation::RemoveValues { items, .. } => remove(previous, items)?,
        Operation::SetIfNotExists { .. }
        | Operation::TestAndSet { .. }
        | Operation::Delete { .. }
        | Operation::TestAndDelete { .. }
        | Operation::Reset
        | Operation::TestAndReset { .. }
        | Operation::Destroy
        | Operation::Batch(_) => KeyChange::NONE,
    })
}

/// The sum by the rule of `HINCRBY`: only the canonical text of a number is one.
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

fn append(previous: Option<&Bytes>, items: &[String]) -> Result<KeyChange, WriteError> {
    let list = parse(previous)?;
    if items.is_empty() {
        return Ok(KeyChange::unchanged(previous));
    }
    Ok(KeyChange::shown(Some(bounded(list::encode(list.iter().chain(items)))?)))
}

fn append_unique(previous: Option<&Bytes>, items: &[String]) -> Result<KeyChange, WriteError> {
    let mut list = parse(previous)?;
    let before = list.len();
    let mut seen: HashSet<String> = list.iter().cloned().collect();
    list.extend(items.iter().filter(|item| seen.insert((*item).clone())).cloned());
    if list.len() == before {
        return Ok(KeyChange::unchanged(previous));
    }
    Ok(KeyChange::shown(Some(bounded(list::encode(&list))?)))
}

fn bounded(list: Bytes) -> Result<Bytes, WriteError> {
    if list.len() > list::MAX_BYTES { Err(WriteError::ListTooLong) } else { Ok(list) }
}

fn remove(previous: Option<&Bytes>, items: &[String]) -> Result<KeyChange, WriteError> {
    let mut list = parse(previous)?;
    let before = list.len();
    let unwanted: HashSet<&String> = items.iter().collect();
    list.retain(|item| !unwanted.contains(item));
    if list.len() == before {
        return Ok(KeyChange::unchanged(previous));
    }
    let rest = (!list.is_empty()).then(|| bounded(list::encode(&list))).transpose()?;
    Ok(KeyChange::shown(rest))
}

fn parse(previous: Option<&Bytes>) -> Result<Vec<String>, WriteError> {
    previous.map_or(Ok(Vec::new()), |value| list::parse(value)).map_err(|_| WriteError::NotAList)
}
