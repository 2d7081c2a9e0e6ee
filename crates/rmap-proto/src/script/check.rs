//! The check of what a handle needs of its server.

use super::reply::Elements;
use super::{CHECK, Invocation};
use crate::error::{ReplyError, ServerError};
use crate::{MapName, Reply, Revision};

/// Stands for the nonce of a subscription, which does not matter for the right to a channel.
const SAMPLE_NONCE: &str = "check";

/// What stands in the way of a map on this server, for this user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The version that the server reports; for Valkey, the Redis version that it is compatible with.
    pub version: String,
    /// True when the server is older than Redis 7.0. Nothing else was checked then.
    pub too_old: bool,
    /// The rights that the user lacks, the way an ACL rule grants them: `+hset`, `&map:NAME:updates`.
    pub missing: Vec<String>,
    /// True when the Redis key of the map holds something that is not a hash.
    pub wrong_type: bool,
    /// True when the hash has a field `=rev` that is not a revision.
    pub corrupt_revision: bool,
}

/// The script that checks version, rights, type of the key and revision, with its arguments.
///
/// It is to be run once per join. A user without the right to the key cannot run it at all: see
/// [`check_refused`].
#[must_use]
pub fn check(map: &MapName) -> Invocation {
    Invocation::Script {
        script: &CHECK,
        key: map.hash_key(),
        args: vec![map.updates_channel(), map.sync_channel(SAMPLE_NONCE), map.sync_channel("*")],
    }
}

/// Reads the reply of [`check`](fn@check).
///
/// # Errors
///
/// [`ReplyError`] when the reply has another shape than the script gives it.
pub fn decode_check(reply: Reply) -> Result<Check, ReplyError> {
    let mut elements = Elements::new("check", reply)?;
    let too_old = elements.flag("too old")?;
    let wrong_type = elements.flag("wrong type")?;
    let stored = elements.optional_bytes("revision")?;
    let corrupt_revision = stored.is_some_and(|stored| Revision::parse(&stored).is_none());
    let version = text(&mut elements, "version")?;
    let mut missing = Vec::new();
    while !elements.is_empty() {
        missing.push(text(&mut elements, "right")?);
    }
    Ok(Check { version, too_old, missing, wrong_type, corrupt_revision })
}

/// The right that the user lacks when the server refuses to run [`check`](fn@check) with this error.
///
/// `None` when the error is not about rights.
#[must_use]
pub fn check_refused(map: &MapName, error: &ServerError) -> Option<String> {
    if error.code != "NOPERM" {
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
