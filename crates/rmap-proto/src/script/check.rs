//! The check of a server before a join: version, rights, type and revision.

use bytes::Bytes;

use super::read::sidecar_args;
use super::reply::Elements;
use super::{CHECK, Invocation};
use crate::error::{NoSidecars, ReplyError, ServerError};
use crate::{ErrorCode, MapName, Reply, Revision};

/// A nonce for the check. Rights on a channel do not depend on the nonce.
const SAMPLE_NONCE: &str = "check";

/// The result of [`check`](fn@check): every obstacle to using a map on this server as this user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The version that the server reports. Valkey reports the Redis version that it is compatible with.
    pub version: String,
    /// True when the server is older than Redis 7.0. The script checks nothing else then.
    pub too_old: bool,
    /// Missing rights of the user, in the form in which an ACL rule grants them: `+hset`, `&map:NAME:updates`.
    pub missing: Vec<String>,
    /// True when the Redis key of the map holds another type than a hash.
    pub wrong_type: bool,
    /// True when the hash has a field `=rev` that is not a revision.
    pub corrupt_revision: bool,
    /// True when the map has leases, false when it has none. `None` when the server did not say, because the user may not
    /// read the sidecars or the slot is being moved.
    pub leases: Option<bool>,
}

/// Builds the request that checks server version, user rights, key type and revision.
///
/// Run it once per join. A user without the right to the key cannot run the script at all; [`check_refused`] handles
/// that error.
#[must_use]
pub fn check(map: &MapName) -> Invocation {
    request(map, false)
}

/// Builds the request of [`check`](fn@check) for a handle that asks for leases. The answer then also names what the user
/// lacks for them.
///
/// # Errors
///
/// [`NoSidecars`] for a map that can have no leases because of its name.
pub fn check_leases(map: &MapName) -> Result<Invocation, NoSidecars> {
    map.sidecars().map(|_| request(map, true))
}

fn request(map: &MapName, leases: bool) -> Invocation {
    let mut args = vec![map.updates_channel(), map.sync_channel(SAMPLE_NONCE), map.sync_channel("*")];
    args.extend(sidecar_args(map));
    args.push(Bytes::from_static(if leases { b"1" } else { b"0" }));
    Invocation::Script { script: &CHECK, key: map.hash_key(), sidecars: None, args }
}

/// Reads the reply of [`check`](fn@check).
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the script's shape.
pub fn decode_check(reply: Reply) -> Result<Check, ReplyError> {
    let mut elements = Elements::new("check", reply)?;
    let too_old = elements.flag("too old")?;
    let wrong_type = elements.flag("wrong type")?;
    let stored = elements.optional_bytes("revision")?;
    let corrupt_revision = stored.is_some_and(|stored| Revision::parse(&stored).is_none());
    let version = text(&mut elements, "version")?;
    let leases = match elements.integer("leases")? {
        -1 => None,
        0 => Some(false),
        1 => Some(true),
        other => return Err(elements.fault(&format!("leases is {other}"))),
    };
    let mut missing = Vec::new();
    while !elements.is_empty() {
        missing.push(text(&mut elements, "right")?);
    }
    Ok(Check { version, too_old, missing, wrong_type, corrupt_revision, leases })
}

/// Derives the missing right from the error with which the server refused to run [`check`](fn@check).
///
/// `None` when the error is not about rights.
#[must_use]
pub fn check_refused(map: &MapName, error: &ServerError) -> Option<String> {
    if error.known() != Some(ErrorCode::NoPermission) {
        return None;
    }
    if let Some((command, _)) =
        error.message.split_once("run the '").and_then(|(_, rest)| rest.split_once('\''))
    {
        return Some(format!("+{command}"));
    }
    let hash = map.hash_key();
    Some(format!("~{}", String::from_utf8_lossy(&hash)))
}

fn text(elements: &mut Elements, what: &str) -> Result<String, ReplyError> {
    let bytes = elements.bytes(what)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
