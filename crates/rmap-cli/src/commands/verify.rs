//! `verify`.

use std::io::{self, BufWriter, Write};
use std::pin::pin;
use std::time::Duration;

use rmap_client::{Map, Verified};
use serde_json::json;

use crate::args::{Server, Verify};
use crate::command_error::CommandError;
use crate::{json, output, session};

pub(super) async fn verify(server: &Server, args: &Verify) -> Result<(), CommandError> {
    let map = session::join(server, &args.name.map).await?;
    if let Some(time) = args.follow {
        follow(&map, time).await?;
    }
    let verified = tokio::select! {
        verified = compare(&map, server.timeout) => verified?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            return Err(CommandError::Server("interrupted".to_owned()));
        }
    };
    let status = map.status();
    if let Some(reason) = status.last_resync() {
        // What a resync repaired is no difference any more.
        output::notice(&format!(
            "rmap: map {} was resynced {} times ({reason})",
            map.name(),
            status.resyncs()
        ));
    }
    if args.json.json {
        output::line(&as_json(&map, &verified))?;
    } else {
        print(&mut BufWriter::new(io::stdout().lock()), &verified)?;
    }
    if verified.agrees() { Ok(()) } else { Err(CommandError::NotDone(format!("map {} differs", map.name()))) }
}

/// Lets time pass, until Ctrl-C at most.
async fn follow(map: &Map, time: Duration) -> Result<(), CommandError> {
    let seconds = time.as_secs_f64();
    tokio::select! {
        // First: whoever has read the notice can interrupt.
        biased;
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        () = async {
            output::notice(&format!("rmap: following map {} for {seconds} s", map.name()));
            tokio::time::sleep(time).await;
        } => Ok(()),
    }
}

/// A large map may take longer than an answer may: what must not take so long is to have no connection.
async fn compare(map: &Map, timeout: Duration) -> Result<Verified, CommandError> {
    let mut comparing = pin!(map.verify());
    loop {
        if let Ok(verified) = tokio::time::timeout(timeout, &mut comparing).await {
            return Ok(verified?);
        }
        let status = map.status();
        if !status.is_live() && status.phase_age() >= timeout {
            let (phase, reason) = (status.phase(), status.reason());
            return Err(CommandError::Server(format!(
                "map {} cannot be verified: {phase} ({reason})",
                map.name()
            )));
        }
    }
}

fn print(out: &mut impl Write, verified: &Verified) -> io::Result<()> {
    for differing in &verified.differing {
        writeln!(out, "{}\t{}", differing.how, differing.key)?;
    }
    let count = verified.differing.len();
    let result = match (count, verified.complete) {
        (0, true) => "none differs".to_owned(),
        (1, true) => "1 differs".to_owned(),
        (count, true) => format!("{count} differ"),
        (count, false) => format!("at least {count} differ"),
    };
    let revision = verified.revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string());
    writeln!(out, "{} fields compared at revision {revision}: {result}", verified.compared)?;
    out.flush()
}

fn as_json(map: &Map, verified: &Verified) -> String {
    let mut object = serde_json::Map::new();
    json::put(&mut object, "map", Some(map.name().as_bytes()));
    let differing = verified.differing.iter().map(|differing| {
        let mut entry = serde_json::Map::new();
        json::put(&mut entry, "key", Some(differing.key.as_bytes()));
        entry.insert("how".to_owned(), differing.how.to_string().into());
        serde_json::Value::from(entry)
    });
    object.insert("revision".to_owned(), verified.revision.map(|revision| revision.get()).into());
    object.insert("compared".to_owned(), verified.compared.into());
    object.insert("complete".to_owned(), verified.complete.into());
    object.insert("resyncs".to_owned(), map.status().resyncs().into());
    object.insert("differing".to_owned(), json!(differing.collect::<Vec<_>>()));
    serde_json::Value::from(object).to_string()
}
