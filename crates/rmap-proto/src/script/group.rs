//! Groups: several writes of single keys in one script, each with its own outcome.

use bytes::Bytes;

use super::reply::Elements;
use super::write::{text_of, ttl_args};
use super::{GROUP, Invocation};
use crate::error::{ReplyError, ServerError, WriteError};
use crate::{Key, MapName, Operation, Reply, Revision, Ttl, Written};

/// The most writes of one group: more arguments would not fit the stack of the script.
pub const MAX_GROUP_WRITES: usize = 1_000;

/// How many bytes of keys and values an operation brings into a group.
///
/// `None` for one that is never grouped: [`write_group`] takes those on a single key that make no list.
#[must_use]
pub fn group_size(operation: &Operation) -> Option<usize> {
    let Parts { key, more, .. } = parts(operation)?;
    let more = match more {
        More::Nothing | More::Delta(_) => 0,
        More::One(value) => value.len(),
        More::Two(value, test) => value.len() + test.len(),
    };
    Some(key.as_bytes().len() + more)
}

/// The script that carries out writes of one map as if the script of each ran alone, one after the other, with its
/// arguments.
///
/// `None` when one of them is [never grouped](group_size), or there are more than [`MAX_GROUP_WRITES`]. An error reply to
/// the script is about all of them: nothing changed, or all have the same unknown outcome. It need not be what each would
/// have met alone.
#[must_use]
pub fn write_group(map: &MapName, ttl: Ttl, operations: &[&Operation]) -> Option<Invocation> {
    if operations.len() > MAX_GROUP_WRITES {
        return None;
    }
    let parts: Vec<_> = operations.iter().map(|operation| parts(operation)).collect::<Option<_>>()?;
    let mut args = Vec::with_capacity(4 + 3 * parts.len());
    args.push(map.updates_channel());
    args.extend(ttl_args(ttl));
    args.push(parts.iter().map(|part| part.letter).collect());
    args.extend(parts.iter().map(|part| part.key.to_bytes()));
    for part in parts {
        match part.more {
            More::Nothing => {}
            More::One(value) => args.push(value.clone()),
            More::Two(value, test) => args.extend([value.clone(), test.clone()]),
            More::Delta(delta) => args.push(text_of(delta)),
        }
    }
    Some(Invocation::Script { script: &GROUP, key: map.hash_key(), args })
}

/// Reads the reply to the script of [`write_group`], which is called with the same `operations` here: the outcome of each.
///
/// # Errors
///
/// [`ReplyError`] when the reply has another shape than the script gives it. Whether the writes were carried out is then
/// not known.
pub fn decode_group(
    operations: &[&Operation],
    reply: Reply,
) -> Result<Vec<Result<Written, WriteError>>, ReplyError> {
    let mut elements = Elements::new("group", reply)?;
    let mut decisions = Decisions { last: elements.revision()?, next: elements.revision()? };
    let held = operations.iter().map(|_| elements.optional_bytes("previous value"));
    let held: Vec<_> = held.collect::<Result<_, _>>()?;
    let letters = elements.bytes("outcomes")?;
    if letters.len() != operations.len() {
        return Err(elements.fault("not one outcome for each write"));
    }
    let mut outcomes = Vec::with_capacity(operations.len());
    for ((operation, previous), letter) in operations.iter().zip(held).zip(letters) {
        let told = matches!(operation, Operation::Inc { .. }).then(|| elements.bytes("sum")).transpose()?;
        outcomes.push(match (letter, told) {
            (b'e', Some(error)) => Err(failure(&elements, &error)?),
            (b'a', value) => Ok(written(true, decisions.applied(&elements)?, previous, value)),
            (b'n', None) => Ok(written(false, decisions.last, previous, None)),
            _ => return Err(elements.fault("no such outcome")),
        });
    }
    elements.end()?;
    Ok(outcomes)
}

/// What the value of a key does not allow.
fn failure(elements: &Elements, error: &[u8]) -> Result<WriteError, ReplyError> {
    let error = ServerError::parse(&String::from_utf8_lossy(error));
    match error.code.as_str() {
        "RMAPINTEGER" => Ok(WriteError::NotAnInteger),
        "RMAPOVERFLOW" => Ok(WriteError::Overflow),
        _ => Err(elements.fault(&format!("no error of one write: {error}"))),
    }
}

/// The revisions at which one write after the other was decided.
struct Decisions {
    last: Option<Revision>,
    next: Option<Revision>,
}

impl Decisions {
    fn applied(&mut self, elements: &Elements) -> Result<Option<Revision>, ReplyError> {
        let new = self.next.filter(|next| *next > Revision::ZERO);
        let new = new.ok_or_else(|| elements.fault("no revision for an applied write"))?;
        (self.last, self.next) = (Some(new), new.next());
        Ok(self.last)
    }
}

const fn written(
    applied: bool,
    revision: Option<Revision>,
    previous: Option<Bytes>,
    value: Option<Bytes>,
) -> Written {
    Written { applied, revision, previous, value, batch: None }
}

/// What the script is told of a write.
struct Parts<'a> {
    letter: u8,
    key: &'a Key,
    more: More<'a>,
}

enum More<'a> {
    Nothing,
    One(&'a Bytes),
    Two(&'a Bytes, &'a Bytes),
    Delta(i64),
}

const fn parts(operation: &Operation) -> Option<Parts<'_>> {
    let (letter, key, more) = match operation {
        Operation::Set { key, value } => (b's', key, More::One(value)),
        Operation::SetIfNotExists { key, value } => (b'n', key, More::One(value)),
        Operation::TestAndSet { key, test, value } => (b't', key, More::Two(value, test)),
        Operation::Delete { key } => (b'd', key, More::Nothing),
        Operation::TestAndDelete { key, test } => (b'x', key, More::One(test)),
        Operation::Inc { key, delta } => (b'i', key, More::Delta(*delta)),
        Operation::AppendValues { .. }
        | Operation::AppendUniqueValues { .. }
        | Operation::RemoveValues { .. }
        | Operation::Reset
        | Operation::TestAndReset { .. }
        | Operation::Destroy
        | Operation::Batch(_) => return None,
    };
    Some(Parts { letter, key, more })
}
