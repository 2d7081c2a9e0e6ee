//! Requests of reads, and decoders of their replies.

use std::time::Duration;

use bytes::Bytes;

use super::reply::Elements;
use super::{Invocation, PROBE, SNAPSHOT, Script};
use crate::error::ReplyError;
use crate::key::is_reserved;
use crate::{Entries, Leases, MapName, Mark, Page, Probe, Read, ReadReply, Replication, Reply, Snapshot};

/// Builds the request that carries out a read.
#[must_use]
pub fn read(map: &MapName, read: &Read) -> Invocation {
    match read {
        Read::Snapshot { mark, max_fields, max_bytes } => {
            marked(map, &SNAPSHOT, mark, [max_fields.to_string(), max_bytes.to_string()])
        }
        Read::Probe { mark } => marked(map, &PROBE, mark, []),
        Read::Page { cursor, count } => Invocation::Command {
            name: "HSCAN",
            args: vec![
                map.hash_key(),
                cursor.to_string().into(),
                Bytes::from_static(b"COUNT"),
                count.to_string().into(),
            ],
        },
    }
}

/// Reads the reply to [`read`](fn@read). `read` must be that of the request.
///
/// # Errors
///
/// [`ReplyError`] when the reply does not have the shape of the script or command.
pub fn decode_read(read: &Read, reply: Reply) -> Result<ReadReply, ReplyError> {
    match read {
        Read::Snapshot { .. } => decode_snapshot(reply).map(ReadReply::Snapshot),
        Read::Probe { .. } => decode_probe(reply).map(ReadReply::Probe),
        Read::Page { .. } => decode_page(reply).map(ReadReply::Page),
    }
}

fn marked<const N: usize>(
    map: &MapName,
    script: &'static Script,
    mark: &Mark,
    more: [String; N],
) -> Invocation {
    let mut args = vec![mark.channel.clone(), mark.id.to_string().into()];
    args.extend(sidecar_args(map));
    args.extend(more.map(Bytes::from));
    Invocation::Script { script, key: map.hash_key(), sidecars: None, args }
}

/// The sidecars as arguments, empty for a map that can have none.
pub(super) fn sidecar_args(map: &MapName) -> [Bytes; 2] {
    map.sidecars().map_or_else(|_| [Bytes::new(), Bytes::new()], |keys| [keys.side, keys.leases])
}

fn decode_probe(reply: Reply) -> Result<Probe, ReplyError> {
    let mut elements = Elements::new("probe", reply)?;
    let probe = probe(&mut elements)?;
    elements.end()?;
    Ok(probe)
}

fn decode_snapshot(reply: Reply) -> Result<Snapshot, ReplyError> {
    let mut elements = Elements::new("snapshot", reply)?;
    let included = elements.flag("included")?;
    let probe = probe(&mut elements)?;
    let content = if included {
        let mut fields = Elements::new("snapshot", elements.any("content")?)?;
        Some(entries(&mut fields)?)
    } else {
        None
    };
    elements.end()?;
    Ok(Snapshot { probe, content })
}

fn decode_page(reply: Reply) -> Result<Page, ReplyError> {
    let mut elements = Elements::new("HSCAN", reply)?;
    let cursor = elements.bytes("cursor")?;
    let cursor = std::str::from_utf8(&cursor).ok().and_then(|text| text.parse().ok());
    let cursor = cursor.ok_or_else(|| elements.fault("the cursor is not a number"))?;
    let mut fields = Elements::new("HSCAN", elements.any("page")?)?;
    elements.end()?;
    Ok(Page { cursor, entries: entries(&mut fields)? })
}

/// Reads the seven elements that both scripts return: HLEN, PTTL, revision, cleared flag, replication, clock, leases.
fn probe(elements: &mut Elements) -> Result<Probe, ReplyError> {
    let fields = elements.count("number of fields")?;
    let ttl = u64::try_from(elements.integer("time to live")?).ok().map(Duration::from_millis);
    let revision = elements.revision()?;
    let cleared = elements.flag("cleared")?;
    let replication = Replication::parse(&elements.bytes("replication")?);
    let clock = Some(elements.count("clock")?).filter(|&clock| clock > 0);
    let leases = leases(elements)?;
    Ok(Probe { revision, fields, cleared, ttl, replication, clock, leases })
}

fn leases(elements: &mut Elements) -> Result<Leases, ReplyError> {
    match elements.integer("next deadline")? {
        -3 => Ok(Leases::Unknown),
        -2 => Ok(Leases::Off),
        -1 => Ok(Leases::On { next: None }),
        millis => match u64::try_from(millis) {
            Ok(millis) => Ok(Leases::On { next: Some(Duration::from_millis(millis)) }),
            Err(_) => Err(elements.fault(&format!("next deadline is {millis}"))),
        },
    }
}

fn entries(elements: &mut Elements) -> Result<Entries, ReplyError> {
    let mut entries = Entries::default();
    while !elements.is_empty() {
        let field = elements.bytes("field")?;
        let value = elements.bytes("value of a field")?;
        if is_reserved(&field) {
            entries.reserved.push(field);
        } else {
            entries.content.push((field, value));
        }
    }
    Ok(entries)
}
