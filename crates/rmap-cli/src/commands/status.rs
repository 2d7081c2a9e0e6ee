//! `status`.

use rmap_client::{Map, Status};
use serde_json::json;

use crate::args::{self, Server};
use crate::command_error::CommandError;
use crate::{json, output, session};

pub(super) async fn status(server: &Server, args: &args::Status) -> Result<(), CommandError> {
    let map = session::join(server, &args.name.map).await?;
    map.sync().await?;
    let status = map.status();
    if args.json.json { output::line(&as_json(&map, &status)) } else { output::line(&as_text(&map, &status)) }
}

fn as_text(map: &Map, status: &Status) -> String {
    let failover =
        if status.failover_detection() { "noticed" } else { "not noticed: the user may not run INFO" };
    format!("map       {}\nstatus    {status}\nkeys      {}\nfailovers {failover}", map.name(), map.len())
}

fn as_json(map: &Map, status: &Status) -> String {
    let mut object = serde_json::Map::new();
    json::put(&mut object, "map", Some(map.name().as_bytes()));
    let more = json!({
        "phase": status.phase().to_string(),
        "reason": status.reason().to_string(),
        "revision": status.revision().map(|revision| revision.get()),
        "staleness_seconds": status.staleness().map(|staleness| staleness.as_secs_f64()),
        "keys": map.len(),
        "failover_detection": status.failover_detection(),
    });
    object.extend(more.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    serde_json::Value::from(object).to_string()
}
