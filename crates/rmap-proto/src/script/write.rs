//! Requests of writes, and the decoder of their replies.

use bytes::Bytes;

use super::arguments::{push_arguments, ttl_args};
use super::batch;
use super::reply::{Elements, fault};
use super::{BATCH, DESTROY, Invocation, RESET, Script, TEST_AND_RESET, leased, script_of};
use crate::error::{ReplyError, WriteError};
use crate::key_operation::Arguments;
use crate::{MapName, Operation, Reply, Revision, Write, WriteReply};

/// Builds the request that carries out a write.
///
/// # Errors
///
/// [`WriteError::NoTests`] for a [`Operation::TestAndReset`] without any pair, [`WriteError::TooManySteps`] for too
/// many steps or preconditions, [`WriteError::ListTooLong`] for more items than a list may have,
/// [`WriteError::LeasedValueTooLong`] for a value that no lease can guard, [`WriteError::NoSidecars`] for leases of a
/// map that can have none because of its name.
pub fn write(map: &MapName, write: &Write) -> Result<Invocation, WriteError> {
    write.check()?;
    let leases = write.leases || write.operation.begins_lease();
    let sidecars = if leases { Some(map.sidecars()?) } else { None };
    let mut args = vec![map.updates_channel()];
    args.extend(ttl_args(write.ttl));
    let script = operation_args(write, &mut args);
    let script = if leases { leased(script) } else { script };
    Ok(Invocation::Script { script, key: map.hash_key(), sidecars, args })
}

/// Reads the reply to [`write`](fn@write).
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the scripts. Whether the write applied is then unknown.
pub fn decode_written(reply: Reply) -> Result<WriteReply, ReplyError> {
    if let Reply::Bytes(text) = reply {
        return decode_applied(&text);
    }
    let mut elements = Elements::new("write", reply)?;
    Ok(WriteReply {
        applied: elements.flag("applied")?,
        revision: elements.revision()?,
        previous: elements.optional_bytes("previous value")?,
        value: elements.optional_bytes("value")?,
        batch: batch::written(&mut elements)?,
    })
}

/// Reads the short reply of an applied write without a new value: the revision, then `=` and the previous value if
/// there was one.
fn decode_applied(text: &Bytes) -> Result<WriteReply, ReplyError> {
    let end = text.iter().position(|byte| *byte == b'=');
    let revision = Revision::parse(&text[..end.unwrap_or(text.len())]);
    let revision = revision.ok_or_else(|| fault("write", "no revision"))?;
    let previous = end.map(|end| text.slice(end + 1..));
    Ok(WriteReply { applied: true, revision: Some(revision), previous, value: None, batch: None })
}

fn operation_args(write: &Write, args: &mut Vec<Bytes>) -> &'static Script {
    match &write.operation {
        Operation::Key(operation) => {
            args.push(operation.key().to_bytes());
            if let Arguments::Items(_) = operation.arguments() {
                args.extend([write.lists.items(), write.lists.bytes()].map(|most| most.to_string().into()));
            }
            push_arguments(args, operation);
            script_of(operation)
        }
        Operation::Reset => &RESET,
        Operation::TestAndReset { tests } => {
            args.extend(tests.iter().flat_map(|(key, test)| [key.to_bytes(), test.clone()]));
            &TEST_AND_RESET
        }
        Operation::Destroy => &DESTROY,
        Operation::Batch(batch) => {
            batch::args(batch, write.lists, args);
            &BATCH
        }
    }
}
