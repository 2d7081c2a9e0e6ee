//! `watch`.

use std::pin::pin;

use rmap_client::{Change, Reason, Status, Value};

use crate::args::{Server, Watch};
use crate::command_error::CommandError;
use crate::{json, output, session};

pub(super) async fn watch(server: &Server, args: &Watch) -> Result<(), CommandError> {
    let map = session::join(server, &args.name.map).await?;
    let (view, mut changes) = map.view_and_changes().await;
    let revision = view.revision().map_or_else(|| "none".to_owned(), |revision| revision.to_string());
    output::notice(&format!("rmap: watching map {} from revision {revision} on", map.name()));
    // One for all: a signal between two of them would be lost.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let (mut statuses, mut outage) = (map.status_changes(), Outage::default());
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        tokio::select! {
            interrupted = &mut interrupt => return Ok(interrupted?),
            change = changes.next() => match change {
                Some(change) => print(&change, args.json.json)?,
                None => return Err(CommandError::Server(format!("map {} was closed", map.name()))),
            },
            Some(status) = statuses.next() => {
                if let Some(notice) = outage.follow(&status) {
                    output::notice(&format!("rmap: map {} is {notice}", map.name()));
                }
                continue;
            }
        }
        left -= 1;
    }
    Ok(())
}

/// The reason why no changes can come; `None` while they can.
#[derive(Debug, Default)]
struct Outage(Option<String>);

impl Outage {
    /// The news in a status: each reason of an outage as it follows the one before, and its end. That the server is reached
    /// again is no reason.
    fn follow(&mut self, status: &Status) -> Option<String> {
        if matches!(status.reason(), Reason::Connected) {
            return None;
        }
        self.turn(status.is_live(), || format!("{} ({})", status.phase(), status.reason()))
    }

    fn turn(&mut self, live: bool, why: impl FnOnce() -> String) -> Option<String> {
        if live {
            return self.0.take().map(|_| "live again".to_owned());
        }
        let why = Some(why());
        if self.0 == why {
            return None;
        }
        self.0.clone_from(&why);
        why
    }
}

fn print(change: &Change, json: bool) -> Result<(), CommandError> {
    output::line(&if json { as_json(change) } else { change.to_string() })
}

fn as_json(change: &Change) -> String {
    let mut object = serde_json::Map::new();
    object.insert("revision".to_owned(), change.revision.map(|revision| revision.get()).into());
    json::put(&mut object, "key", Some(change.key.as_bytes()));
    json::put(&mut object, "old", change.old.as_ref().map(Value::as_bytes));
    json::put(&mut object, "new", change.new.as_ref().map(Value::as_bytes));
    serde_json::Value::from(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_of_an_outage_is_told_once_as_it_follows_another() {
        let mut outage = Outage::default();
        let mut news = |status: &str| outage.turn(status == "live", || status.to_owned());
        assert_eq!(news("live"), None);
        assert_eq!(news("disconnected (reset)").as_deref(), Some("disconnected (reset)"));
        assert_eq!(news("disconnected (reset)"), None);
        assert_eq!(news("disconnected (refused)").as_deref(), Some("disconnected (refused)"));
        assert_eq!(news("resyncing (connected)").as_deref(), Some("resyncing (connected)"));
        assert_eq!(news("live").as_deref(), Some("live again"));
        assert_eq!(news("live"), None);
        assert_eq!(news("disconnected (refused)").as_deref(), Some("disconnected (refused)"));
    }
}
