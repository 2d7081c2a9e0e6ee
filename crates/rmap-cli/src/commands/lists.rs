//! `append` and `remove`.

use rmap_client::Escaped;

use crate::args::{Append, Remove, Server};
use crate::command_error::CommandError;
use crate::{input, output, session};

pub(super) async fn append(server: &Server, args: &Append) -> Result<(), CommandError> {
    let (key, items) = args.key_and_items()?;
    let key = input::bytes(key, args.hex)?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    let appended = if args.unique {
        map.append_unique_values(key, items).await?
    } else {
        map.append_values(key, items).await?
    };
    print(appended.values)
}

pub(super) async fn remove(server: &Server, args: &Remove) -> Result<(), CommandError> {
    let (key, items) = args.key_and_items()?;
    let key = input::bytes(key, args.hex)?;
    let map = session::join_for(server, &args.name.map, args.lifetime).await?;
    let removed = map.remove_values(&key, items).await?;
    print(removed.values)?;
    if removed.applied {
        return Ok(());
    }
    let key = Escaped(&key);
    Err(CommandError::NotDone(format!("map {}: key {key} has none of these items", map.name())))
}

/// On one line, since an item may hold any text.
fn print(items: Vec<String>) -> Result<(), CommandError> {
    output::line(&serde_json::Value::from(items).to_string())
}
