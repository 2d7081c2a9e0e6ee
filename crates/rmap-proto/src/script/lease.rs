//! Requests about leases that are no writes of a single key, and decoders of their replies.

use bytes::Bytes;

use super::arguments::ttl_args;
use super::reply::Elements;
use super::{EXPIRES_AT, Invocation, REAP, RENEW, REVOKE, START_LEASES, Script};
use crate::error::{NoSidecars, ReplyError, WriteError};
use crate::{Deadline, Expiry, Held, Key, MAX_LEASES_AT_ONCE, MapName, Mark, Reaped, Reply, Revoked, Ttl};

/// Builds the request that makes the sidecars of a map, or what is missing of them. It changes no lease.
///
/// Its reply says nothing. An error reply concerns the request as a whole; sending it again is harmless.
///
/// # Errors
///
/// [`NoSidecars`] for a map that can have no leases because of its name.
pub fn start_leases(map: &MapName) -> Result<Invocation, NoSidecars> {
    request(map, &START_LEASES, Vec::new())
}

/// Builds the request that deletes the keys whose leases have run out, at most [`MAX_LEASES_AT_ONCE`].
///
/// Every deletion is an ordinary one: it takes a revision, publishes a notification, and sets the time to live. Read an
/// error reply as that of a [`write`](fn@super::write).
///
/// # Errors
///
/// [`NoSidecars`] for a map that can have no leases because of its name.
pub fn reap(map: &MapName, ttl: Ttl) -> Result<Invocation, NoSidecars> {
    let mut args = head(map, ttl);
    args.push(map.shared_channel());
    request(map, &REAP, args)
}

/// Reads the reply to [`reap`].
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the script.
pub fn decode_reaped(reply: Reply) -> Result<Reaped, ReplyError> {
    let mut elements = Elements::new("reap", reply)?;
    let revision = elements.revision()?;
    let (deleted, dropped) = (elements.count("deleted")?, elements.count("dropped")?);
    let next = elements.time_left("next deadline")?;
    elements.end()?;
    Ok(Reaped { revision, deleted, dropped, next })
}

/// Builds the request that moves the deadlines of these leases to `expiry` from now.
///
/// A renewal changes no revision and publishes nothing. Sending it again is harmless.
///
/// # Errors
///
/// [`WriteError::TooManyLeases`] for no lease or more than [`MAX_LEASES_AT_ONCE`], [`WriteError::NoSidecars`] for a map that
/// can have none because of its name.
pub fn renew(map: &MapName, expiry: Expiry, leases: &[Held]) -> Result<Invocation, WriteError> {
    let mut args = vec![expiry.get().to_string().into()];
    push_held(&mut args, leases)?;
    Ok(request(map, &RENEW, args)?)
}

/// Reads the reply to [`renew`]: the keys that are not held with the given fence any more.
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the script.
pub fn decode_renewed(reply: Reply) -> Result<Vec<Bytes>, ReplyError> {
    keys(&mut Elements::new("renew", reply)?)
}

/// Builds the request that deletes the keys that are held with these fences, and ends their leases.
///
/// Every deletion is an ordinary one, as in [`reap`].
///
/// # Errors
///
/// [`WriteError::TooManyLeases`] for no lease or more than [`MAX_LEASES_AT_ONCE`], [`WriteError::NoSidecars`] for a map that
/// can have none because of its name.
pub fn revoke(map: &MapName, ttl: Ttl, leases: &[Held]) -> Result<Invocation, WriteError> {
    let mut args = head(map, ttl);
    push_held(&mut args, leases)?;
    Ok(request(map, &REVOKE, args)?)
}

/// Reads the reply to [`revoke`].
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the script.
pub fn decode_revoked(reply: Reply) -> Result<Revoked, ReplyError> {
    let mut elements = Elements::new("revoke", reply)?;
    let (revision, deleted) = (elements.revision()?, elements.count("deleted")?);
    Ok(Revoked { revision, deleted, not_held: keys(&mut elements)? })
}

/// Builds the request that reads the deadline of a key's lease.
///
/// # Errors
///
/// [`NoSidecars`] for a map that can have no leases because of its name.
pub fn expires_at(map: &MapName, key: &Key) -> Result<Invocation, NoSidecars> {
    request(map, &EXPIRES_AT, vec![key.to_bytes()])
}

/// Reads the reply to [`expires_at`]. `None` when the key has no lease.
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the script.
pub fn decode_expires_at(reply: Reply) -> Result<Option<Deadline>, ReplyError> {
    let mut elements = Elements::new("expires_at", reply)?;
    let clock = elements.count("clock")?;
    let at = elements.time_left("deadline")?;
    let fence = elements.optional_bytes("fence")?;
    elements.end()?;
    let (Some(at), Some(fence)) = (at, fence) else { return Ok(None) };
    let fence = parse_fence(&fence).ok_or_else(|| elements.fault("the fence is not a number"))?;
    let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
    Ok(Some(Deadline::new(at, clock, fence)))
}

/// Reads the fence that a [`KeyOperation::SetExpiring`](crate::KeyOperation::SetExpiring) shows as its value. `None` when the
/// text is no fence.
#[must_use]
pub fn parse_fence(text: &[u8]) -> Option<u64> {
    Mark::parse_id(text)
}

fn request(map: &MapName, script: &'static Script, args: Vec<Bytes>) -> Result<Invocation, NoSidecars> {
    Ok(Invocation::Script { script, key: map.hash_key(), sidecars: Some(map.sidecars()?), args })
}

fn head(map: &MapName, ttl: Ttl) -> Vec<Bytes> {
    let [kind, millis] = ttl_args(ttl);
    vec![map.updates_channel(), kind, millis]
}

fn push_held(args: &mut Vec<Bytes>, leases: &[Held]) -> Result<(), WriteError> {
    if leases.is_empty() || leases.len() > MAX_LEASES_AT_ONCE {
        return Err(WriteError::TooManyLeases { count: leases.len() });
    }
    args.extend(leases.iter().flat_map(|held| [held.key.to_bytes(), held.fence.to_string().into()]));
    Ok(())
}

fn keys(elements: &mut Elements) -> Result<Vec<Bytes>, ReplyError> {
    let mut keys = Vec::new();
    while !elements.is_empty() {
        keys.push(elements.bytes("key")?);
    }
    Ok(keys)
}
