//! Arguments of the batch script, and the batch's part of its reply.

use std::collections::HashMap;

use bytes::Bytes;

use super::arguments::push_arguments;
use super::letter_of;
use super::reply::Elements;

use crate::error::ReplyError;
use crate::key_operation::Arguments;
use crate::{BatchOperation, BatchReply, Key, KeyOperation, Precondition, list};

/// Adds the batch's own arguments.
///
/// Most batches consist of plain sets only. For those the script gets each key with its final value. For other batches
/// it gets every key once, and steps that refer to the keys by number.
pub(super) fn args(batch: &BatchOperation, lists: list::Limit, args: &mut Vec<Bytes>) {
    args.extend([text(lists.items()), text(lists.bytes())]);
    let puts = batch.puts().unwrap_or_default();
    args.push(text(puts.len()));
    args.extend(puts.into_iter().flat_map(|(key, value)| [key.to_bytes(), value.clone()]));

    let keys = batch.read_keys();
    let numbers: HashMap<&Key, usize> = keys.iter().copied().zip(1..).collect();
    let number = |key: Option<&Key>| text(key.and_then(|key| numbers.get(key)).copied().unwrap_or_default());
    args.push(text(keys.len()));
    args.extend(keys.iter().map(|key| key.to_bytes()));
    args.push(text(batch.preconditions.len()));
    for precondition in &batch.preconditions {
        let (rule, value) = rule(precondition);
        args.extend([Bytes::from_static(rule), number(precondition.key()), value]);
    }
    for step in batch.read_steps() {
        push_step(args, step, number(Some(step.key())));
    }
}

fn push_step(args: &mut Vec<Bytes>, step: &KeyOperation, number: Bytes) {
    args.extend([Bytes::from_static(letter_of(step).as_bytes()), number]);
    if let Arguments::Items(items) = step.arguments() {
        args.push(text(items.len()));
    }
    push_arguments(args, step);
}

/// Reads the batch's part of the reply, which follows the part that every write has.
pub(super) fn written(elements: &mut Elements) -> Result<Option<BatchReply>, ReplyError> {
    if elements.is_empty() {
        return Ok(None);
    }
    let changed = elements.count("number of changed keys")?;
    let changed = u32::try_from(changed).map_err(|_| elements.fault("too many changed keys"))?;
    let failed = usize::try_from(elements.count("failed precondition")?);
    let failed = failed.map_err(|_| elements.fault("no such precondition"))?.checked_sub(1);
    let mut values = Vec::new();
    while !elements.is_empty() {
        values.push(elements.optional_bytes("value of a step")?);
    }
    Ok(Some(BatchReply { changed, failed, values }))
}

fn rule(precondition: &Precondition) -> (&'static [u8], Bytes) {
    match precondition {
        Precondition::Equals { value, .. } => (b"equals", value.clone()),
        Precondition::Absent { .. } => (b"absent", Bytes::new()),
        Precondition::Revision(None) => (b"revision", Bytes::from_static(b"-1")),
        Precondition::Revision(Some(revision)) => (b"revision", revision.to_string().into()),
    }
}

fn text(number: usize) -> Bytes {
    number.to_string().into()
}
