//! `set`, `delete` and `inc`.

use rmap_client::{Attempt, Revision};

use crate::args::{Delete, Inc, Server, Set};
use crate::failure::Failure;
use crate::{input, output, session};

pub(super) async fn set(server: &Server, args: &Set) -> Result<(), Failure> {
    let hex = args.at.hex;
    let key = input::bytes(&args.at.key, hex)?;
    let value = args.value().read(hex)?;
    let test = args.if_value.as_deref().map(|test| input::bytes(test, hex)).transpose()?;
    let map = session::join_for(server, &args.at.name.map, args.lifetime).await?;
    if args.if_absent {
        return applied(map.set_if_not_exists(key, value).await?);
    }
    match test {
        Some(test) => applied(map.test_and_set(key, test, value).await?),
        None => revision(Some(map.set(key, value).await?.revision)),
    }
}

pub(super) async fn delete(server: &Server, args: &Delete) -> Result<(), Failure> {
    let hex = args.at.hex;
    let key = input::bytes(&args.at.key, hex)?;
    let test = args.if_value.as_deref().map(|test| input::bytes(test, hex)).transpose()?;
    let map = session::join_for(server, &args.at.name.map, args.lifetime).await?;
    applied(match test {
        Some(test) => map.test_and_delete(key, test).await?,
        None => map.delete(key).await?,
    })
}

pub(super) async fn inc(server: &Server, args: &Inc) -> Result<(), Failure> {
    let key = input::bytes(&args.at.key, args.at.hex)?;
    let map = session::join_for(server, &args.at.name.map, args.lifetime).await?;
    output::line(&map.inc(key, args.delta).await?.value.to_string())
}

/// Prints the revision of a conditional write, or says that it was not applied.
pub(super) fn applied(attempt: Attempt) -> Result<(), Failure> {
    revision(attempt.require()?.revision)
}

/// Prints the revision that a write made.
pub(super) fn revision(revision: Option<Revision>) -> Result<(), Failure> {
    output::line(&format!("revision {}", revision.map_or(0, Revision::get)))
}
