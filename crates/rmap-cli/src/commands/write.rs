//! `set`, `delete` and `inc`.

use rmap_client::{Attempt, Escaped, Map, Revision};

use crate::args::{Delete, Inc, Server, Set};
use crate::command_error::CommandError;
use crate::{input, output, session};

pub(super) async fn set(server: &Server, args: &Set) -> Result<(), CommandError> {
    let hex = args.hex;
    let (key, value) = args.key_and_value()?;
    let (key, value) = (input::bytes(key, hex)?, value.read(hex)?);
    let test = args.test.as_deref().map(|test| input::bytes(test, hex)).transpose()?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    if args.test_absent {
        let obstacle = || format!("map {} has key {} already", map.name(), Escaped(&key));
        return applied(&map.set_if_not_exists(&key, value).await?, obstacle);
    }
    match test {
        Some(test) => compared(&map, &key, &map.test_and_set(&key, test, value).await?),
        None => revision(Some(map.set(key, value).await?.revision)),
    }
}

pub(super) async fn delete(server: &Server, args: &Delete) -> Result<(), CommandError> {
    let hex = args.hex;
    let key = input::bytes(args.key()?, hex)?;
    let test = args.test.as_deref().map(|test| input::bytes(test, hex)).transpose()?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    let attempt = match test {
        Some(test) => map.test_and_delete(&key, test).await?,
        None => map.delete(&key).await?,
    };
    compared(&map, &key, &attempt)
}

pub(super) async fn inc(server: &Server, args: &Inc) -> Result<(), CommandError> {
    let (key, delta) = args.key_and_delta()?;
    let key = input::bytes(key, args.hex)?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    output::line(&map.inc(key, delta).await?.value.to_string())
}

/// Prints the revision of a write that demanded a value, or says what the key holds instead.
fn compared(map: &Map, key: &[u8], attempt: &Attempt) -> Result<(), CommandError> {
    let (name, key) = (map.name(), Escaped(key));
    applied(attempt, || {
        if attempt.existed() {
            format!("map {name}: key {key} holds another value")
        } else {
            format!("map {name} has no key {key}")
        }
    })
}

/// Prints the revision of a conditional write, or says what stood against it.
fn applied(attempt: &Attempt, obstacle: impl FnOnce() -> String) -> Result<(), CommandError> {
    if attempt.applied { revision(attempt.revision) } else { Err(CommandError::NotDone(obstacle())) }
}

/// Prints the revision that a write made.
fn revision(revision: Option<Revision>) -> Result<(), CommandError> {
    output::line(&revision_text(revision))
}

pub(super) fn revision_text(revision: Option<Revision>) -> String {
    format!("revision {}", revision.map_or(0, Revision::get))
}
