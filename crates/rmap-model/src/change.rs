//! What an operation on one key makes of the key's value.

use std::collections::HashSet;

use bytes::Bytes;
use rmap_proto::{KeyOperation, WriteError, list};

/// The decision of an operation on one key.
pub(super) struct KeyChange {
    /// `None`: not applied. `Some(None)`: the key is deleted.
    pub(super) value: Option<Option<Bytes>>,
    /// What the answer tells as the key's value.
    pub(super) shown: Option<Bytes>,
    /// How many items of lists it read and wrote.
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

    /// A list that is `made` of one with as many items as `read`; none is left when it has none.
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

/// Decides for an operation on one key.
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
        KeyOperation::Delete { .. } => delete_if(previous.is_some()),
        KeyOperation::TestAndDelete { test, .. } => delete_if(previous == Some(test)),
        KeyOperation::Inc { delta, .. } => KeyChange::sum(sum(previous, *delta)?),
        KeyOperation::AppendValues { items, .. } => append(previous, items, lists)?,
        KeyOperation::AppendUniqueValues { items, .. } => append_unique(previous, items, lists)?,
        KeyOperation::RemoveValues { items, .. } => remove(previous, items, lists)?,
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
