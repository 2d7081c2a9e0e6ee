//! `get` and `list`.

use std::io::{self, BufWriter, Write};

use rmap_client::{Escaped, Key, KeyRef, Value, View};
use serde_json::Map;

use crate::args::{Get, List, Server};
use crate::command_error::CommandError;
use crate::{input, json, output, session, text};

pub(super) async fn get(server: &Server, args: &Get) -> Result<(), CommandError> {
    let key = input::bytes(args.key()?, args.hex)?;
    let key = Key::new(key).map_err(|error| CommandError::Usage(error.to_string()))?;
    let map = session::join(server, &args.name.map).await?;
    match map.get(key.as_bytes()) {
        Some(value) if args.hex.hex => output::line(&text::hex(value.as_bytes())),
        Some(value) => output::value(value.as_bytes()),
        None => {
            Err(CommandError::NotDone(format!("map {} has no key {}", map.name(), Escaped(key.as_bytes()))))
        }
    }
}

pub(super) async fn list(server: &Server, args: &List) -> Result<(), CommandError> {
    let map = session::join(server, &args.name.map).await?;
    let view = map.view();
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json.json {
        write_json(&mut out, map.name().as_bytes(), &view)?;
    } else {
        write_lines(&mut out, &view)?;
    }
    Ok(out.flush()?)
}

fn write_lines(out: &mut impl Write, view: &View) -> io::Result<()> {
    for (key, value) in sorted(view) {
        writeln!(out, "{}\t{}", Escaped(key.as_bytes()), Escaped(value.as_bytes()))?;
    }
    Ok(())
}

/// One object, with one entry a line.
fn write_json(out: &mut impl Write, name: &[u8], view: &View) -> io::Result<()> {
    let mut head = Map::new();
    json::put(&mut head, "map", Some(name));
    head.insert("revision".to_owned(), view.revision().map(|revision| revision.get()).into());
    let head = serde_json::Value::from(head).to_string();
    write!(out, "{},\"entries\":[", head.trim_end_matches('}'))?;
    for (index, (key, value)) in sorted(view).into_iter().enumerate() {
        let mut entry = Map::new();
        json::put(&mut entry, "key", Some(key.as_bytes()));
        json::put(&mut entry, "value", Some(value.as_bytes()));
        let separator = if index == 0 { "" } else { "," };
        write!(out, "{separator}\n{}", serde_json::Value::from(entry))?;
    }
    writeln!(out, "\n]}}")
}

fn sorted(view: &View) -> Vec<(KeyRef<'_>, &Value)> {
    let mut entries: Vec<_> = view.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.as_bytes());
    entries
}
