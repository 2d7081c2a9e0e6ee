//! The entries of a file: `KEY=VALUE` lines or JSON lines.

use std::path::Path;

use rmap_client::Key;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::input;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// All entries of a file, or of standard input when it is `-`. Lines end with LF or CR LF; empty ones are skipped.
pub(super) fn read(file: &Path, json: bool) -> Result<Vec<Entry>, Failure> {
    let bytes = input::read_all(file)?;
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.enumerate().filter(|(_, line)| !line.is_empty());
    let parse = if json { parse_json } else { parse_text };
    let entry = |(index, line)| {
        let entry = parse(line).and_then(checked);
        entry.map_err(|problem| Failure::Usage(format!("{}, line {}: {problem}", file.display(), index + 1)))
    };
    lines.map(entry).collect()
}

fn checked(entry: Entry) -> Result<Entry, String> {
    Key::new(&entry.key).map_err(|error| error.to_string())?;
    if entry.key.len() > input::MAX_KEY_BYTES {
        return Err(format!("the key has {} bytes, at most 1 MiB are allowed", entry.key.len()));
    }
    if entry.value.len() > input::MAX_VALUE_BYTES {
        return Err(format!("the value has {} bytes, at most 16 MiB are allowed", entry.value.len()));
    }
    Ok(entry)
}

fn parse_text(line: &[u8]) -> Result<Entry, String> {
    let (key, value) = input::split_pair(line).ok_or("not KEY=VALUE")?;
    Ok(Entry { key: key.to_vec(), value: value.to_vec() })
}

fn parse_json(line: &[u8]) -> Result<Entry, String> {
    let object: Map<String, Value> = serde_json::from_slice(line).map_err(json_problem)?;
    if let Some(name) = object.keys().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("unknown member '{name}'"));
    }
    Ok(Entry { key: member(&object, "key")?, value: member(&object, "value")? })
}

/// Without the line, which is that of the file.
fn json_problem(error: serde_json::Error) -> String {
    let text = error.to_string();
    let problem = text.rsplit_once(" at line ").map_or(&text[..], |(problem, _)| problem);
    format!("{problem} at column {}", error.column())
}

const NAMES: [&str; 4] = ["key", "key_hex", "value", "value_hex"];

/// Text under `name`, or hexadecimal digits under `name_hex`, as `list --json` prints them.
fn member(object: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let hex = format!("{name}_hex");
    match (object.get(name), object.get(&hex)) {
        (Some(Value::String(text)), None) => Ok(text.clone().into_bytes()),
        (None, Some(Value::String(digits))) => {
            input::decode_hex(digits.as_bytes()).ok_or_else(|| format!("'{hex}' is not hexadecimal"))
        }
        (None, None) => Err(format!("neither '{name}' nor '{hex}'")),
        (Some(_), Some(_)) => Err(format!("both '{name}' and '{hex}'")),
        (Some(_), None) => Err(format!("'{name}' is not a string")),
        (None, Some(_)) => Err(format!("'{hex}' is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &[u8], value: &[u8]) -> Entry {
        Entry { key: key.to_vec(), value: value.to_vec() }
    }

    #[test]
    fn a_line_of_text_ends_its_key_at_the_first_equals_sign() {
        assert_eq!(parse_text(b"a=b=c"), Ok(entry(b"a", b"b=c")));
        assert_eq!(parse_text(b"{tag}\xff="), Ok(entry(b"{tag}\xff", b"")));
        assert!(parse_text(b"a").is_err());
        assert!(parse_text(b"=a").and_then(checked).is_err());
    }

    #[test]
    fn json_lines_are_what_list_prints() {
        assert_eq!(parse_json(br#"{"key":"a=","value":"\u0000"}"#), Ok(entry(b"a=", b"\0")));
        assert_eq!(parse_json(br#"{"value_hex":"00fF","key_hex":"61"}"#), Ok(entry(b"a", b"\x00\xff")));
        for bad in [
            &b"[]"[..],
            b"{",
            b"{}",
            br#"{"key":"a"}"#,
            br#"{"key":1,"value":""}"#,
            br#"{"key":"a","key_hex":"61","value":""}"#,
            br#"{"key":"a","value_hex":"6"}"#,
            br#"{"key":"a","value":"","ttl":1}"#,
        ] {
            assert!(parse_json(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
