//! `load`: many entries, in batches.

mod entries;

use std::time::Instant;

use indicatif::ProgressBar;
use rmap_client::{Map, Revision};

use self::entries::Entry;
use crate::args::{Load, Server};
use crate::command_error::CommandError;
use crate::{output, session};

/// One batch has at most so many entries, and ends with the entry that brings it over so many bytes.
const BATCH_ENTRIES: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;

const BAR: &str = "{bar:40} {percent:>3} %  {human_pos} entries, {per_sec}, {eta} to go";

pub(super) async fn load(server: &Server, args: &Load) -> Result<(), CommandError> {
    // All of it before the first write, so that a bad line changes nothing.
    let entries = entries::read(&args.file, args.json)?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    let (begin, bar) = (Instant::now(), output::bar(entries.len() as u64, BAR));
    let written = write_all(&map, &entries, &bar).await;
    bar.finish_and_clear();
    let revision = written?.map_or_else(|| "none".to_owned(), |revision| revision.to_string());
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
    let rate = entries.len() as f64 / seconds.max(f64::MIN_POSITIVE);
    output::line(&format!(
        "{} entries in {seconds:.2} s, {rate:.0} a second, revision {revision}",
        entries.len()
    ))
}

/// In order, so that the last of several entries for a key is the one that stays.
async fn write_all(
    map: &Map,
    entries: &[Entry],
    bar: &ProgressBar,
) -> Result<Option<Revision>, CommandError> {
    let mut revision = map.revision();
    let mut done = 0;
    while done < entries.len() {
        let (count, written) = write_some(map, &entries[done..]).await;
        revision = written.map_err(|error| stopped(&error, done, entries.len()))?;
        done += count;
        bar.inc(count as u64);
    }
    Ok(revision)
}

/// Writes as many entries as fit one batch; returns their number.
async fn write_some(map: &Map, entries: &[Entry]) -> (usize, Result<Option<Revision>, rmap_client::Error>) {
    let mut batch = map.batch();
    let mut count = 0;
    for Entry { key, value } in entries.iter().take(BATCH_ENTRIES) {
        if count > 0 && batch.bytes() + key.len() + value.len() > BATCH_BYTES {
            break;
        }
        batch = batch.set(key, value);
        count += 1;
    }
    // The limit of a batch is below that of a value.
    let written = match entries {
        [Entry { key, value }, ..] if count == 1 => map.set(key, value).await.map(|done| Some(done.revision)),
        _ => batch.commit().await.map(|done| done.revision),
    };
    (count, written)
}

fn stopped(error: &rmap_client::Error, done: usize, all: usize) -> CommandError {
    CommandError::from(error.clone()).after(&format!("{done} of {all} entries were loaded"))
}
