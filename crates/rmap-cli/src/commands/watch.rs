//! `watch`.

use std::pin::pin;

use rmap_client::{Change, Map, Status, Value};

use crate::args::{Server, Watch};
use crate::failure::Failure;
use crate::{json, output, session, text};

pub(super) async fn watch(server: &Server, args: &Watch) -> Result<(), Failure> {
    let map = session::join(server, &args.name.map).await?;
    let (view, mut changes) = map.view_and_changes().await;
    let revision = view.revision().map_or_else(|| "none".to_owned(), |revision| revision.to_string());
    output::notice(&format!("rmap: watching map {} from revision {revision} on", map.name()));
    // One for all: a signal between two of them would be lost.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let (mut statuses, mut live) = (map.status_changes(), true);
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        tokio::select! {
            interrupted = &mut interrupt => return Ok(interrupted?),
            change = changes.next() => match change {
                Some(change) => print(&change, args.json.json)?,
                None => return Err(Failure::Server(format!("map {} was closed", map.name()))),
            },
            Some(status) = statuses.next() => {
                tell(&map, &status, &mut live);
                continue;
            }
        }
        left -= 1;
    }
    Ok(())
}

/// Says when changes cannot come, and when they come again.
fn tell(map: &Map, status: &Status, live: &mut bool) {
    if *live == status.is_live() {
        return;
    }
    *live = status.is_live();
    let name = map.name();
    output::notice(&if *live {
        format!("rmap: map {name} is live again")
    } else {
        format!("rmap: map {name} is {} ({})", status.phase(), status.reason())
    });
}

fn print(change: &Change, json: bool) -> Result<(), Failure> {
    output::line(&if json { as_json(change) } else { as_text(change) })
}

fn as_text(change: &Change) -> String {
    let Change { revision, key, old, new } = change;
    let revision = revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string());
    let [key, old, new] =
        [Some(key), old.as_ref(), new.as_ref()].map(|it| text::quote(it.map(Value::as_bytes)));
    format!("{revision} {key} {old} -> {new}")
}

fn as_json(change: &Change) -> String {
    let mut object = serde_json::Map::new();
    object.insert("revision".to_owned(), change.revision.map(|revision| revision.get()).into());
    json::put(&mut object, "key", Some(change.key.as_bytes()));
    json::put(&mut object, "old", change.old.as_ref().map(Value::as_bytes));
    json::put(&mut object, "new", change.new.as_ref().map(Value::as_bytes));
    serde_json::Value::from(object).to_string()
}
