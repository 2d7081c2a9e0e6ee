//! Groups: several writes of single keys in one script, each with its own outcome.

use bytes::Bytes;

use super::arguments::{push_arguments, ttl_args};
use super::reply::Elements;
use super::{GROUP, Invocation, leased, letter_of};
use crate::error::{NoSidecars, ReplyError, ServerError, WriteError};
use crate::{KeyOperation, MapName, Operation, Reply, ResultKind, Revision, Sidecars, Ttl, WriteReply, list};

/// Largest number of writes in one group.
///
/// More arguments would overflow the stack of a Lua script.
pub const MAX_GROUP_WRITES: usize = 1_000;

/// Number of bytes of keys and values that an operation adds to a group.
///
/// `None` for an operation that is never grouped. [`write_group`] takes operations on a single key that produce no
/// list.
#[must_use]
pub fn group_size(operation: &Operation) -> Option<usize> {
    groupable(operation).map(KeyOperation::size)
}

fn groupable(operation: &Operation) -> Option<&KeyOperation> {
    // A group has no error for one of its requests. What cannot be valid goes alone and is rejected alone.
    let valid = |operation: &KeyOperation| operation.check(list::Limit::default()).is_ok();
    operation.on_key().filter(|operation| operation.may_be_grouped() && valid(operation))
}

/// Builds one request for several writes of a map. Each write has the outcome that it would have had alone, one after
/// the other.
///
/// `None` when an operation is [never grouped](group_size), or there are more than [`MAX_GROUP_WRITES`]. An error reply
/// concerns all writes of the group: either nothing changed, or all have the same unknown outcome. A write sent alone
/// might have met another error.
#[must_use]
pub fn write_group(map: &MapName, ttl: Ttl, operations: &[&Operation]) -> Option<Invocation> {
    let leases = operations.iter().any(|operation| operation.begins_lease());
    if leases { write_group_leased(map, ttl, operations).ok()? } else { group(map, ttl, None, operations) }
}

/// Does what [`write_group`] does for a map that may have leases.
///
/// # Errors
///
/// [`NoSidecars`] for a map that can have no leases because of its name.
pub fn write_group_leased(
    map: &MapName,
    ttl: Ttl,
    operations: &[&Operation],
) -> Result<Option<Invocation>, NoSidecars> {
    Ok(group(map, ttl, Some(map.sidecars()?), operations))
}

fn group(
    map: &MapName,
    ttl: Ttl,
    sidecars: Option<Sidecars>,
    operations: &[&Operation],
) -> Option<Invocation> {
    if operations.len() > MAX_GROUP_WRITES {
        return None;
    }
    let members: Vec<_> = operations.iter().map(|operation| groupable(operation)).collect::<Option<_>>()?;
    let mut args = Vec::with_capacity(4 + 3 * members.len());
    args.push(map.updates_channel());
    args.extend(ttl_args(ttl));
    args.push(members.iter().flat_map(|member| letter_of(member).bytes()).collect());
    args.extend(members.iter().map(|member| member.key().to_bytes()));
    for member in members {
        push_arguments(&mut args, member);
    }
    let script = if sidecars.is_some() { leased(&GROUP) } else { &GROUP };
    Some(Invocation::Script { script, key: map.hash_key(), sidecars, args })
}

/// Reads the reply to [`write_group`]: one outcome per operation. `operations` must be those of the request.
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the script's shape. Whether the writes applied is then unknown.
pub fn decode_group(
    operations: &[&Operation],
    reply: Reply,
) -> Result<Vec<Result<WriteReply, WriteError>>, ReplyError> {
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
        outcomes.push(match letter {
            b'e' => {
                let error = elements.bytes("error")?;
                Err(failure(&elements, &error)?)
            }
            b'a' => {
                let revision = decisions.applied(&elements)?;
                Ok(written(true, revision, previous, new_value(operation, true, &mut elements)?))
            }
            b'n' => Ok(written(false, decisions.last, previous, new_value(operation, false, &mut elements)?)),
            _ => return Err(elements.fault("no such outcome")),
        });
    }
    elements.end()?;
    Ok(outcomes)
}

/// Reads the key's new value, if the operation's answer carries one.
fn new_value(
    operation: &Operation,
    applied: bool,
    elements: &mut Elements,
) -> Result<Option<Bytes>, ReplyError> {
    match operation.on_key().map(KeyOperation::result) {
        Some(ResultKind::Integer) => elements.bytes("integer").map(Some),
        Some(ResultKind::Fence) if applied => elements.bytes("fence").map(Some),
        Some(ResultKind::Fence) => Ok(None),
        Some(ResultKind::Previous | ResultKind::List) | None => Ok(None),
    }
}

/// Reads an error that the value of one key caused.
fn failure(elements: &Elements, error: &[u8]) -> Result<WriteError, ReplyError> {
    let error = ServerError::parse(&String::from_utf8_lossy(error));
    let failure = WriteError::of_value(error.clone());
    failure.ok_or_else(|| elements.fault(&format!("no error of one write: {error}")))
}

/// The revisions at which the server decided the writes, one after the other.
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
) -> WriteReply {
    WriteReply { applied, revision, previous, value, batch: None }
}
