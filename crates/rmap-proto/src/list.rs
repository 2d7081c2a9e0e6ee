//! List values: lists of strings as the values of keys.
//!
//! A list is stored as a JSON array of strings. Comma-separated text, the form that old Pulse versions stored, is read
//! as well. The Lua scripts follow the same rule.

use bytes::Bytes;
use thiserror::Error;

/// Longest list that an operation makes, as text: every change sends the whole of it to every subscriber, and Redis
/// disconnects one that has 32 MB to come.
pub const MAX_BYTES: usize = 16 << 20;

/// A value that begins like JSON but is not an array of strings, or is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the value is not a list of strings")]
pub struct NotAList;

/// Reads a value as a list.
///
/// A value whose first non-blank byte is `[` or `{` must be a JSON array of strings: strict RFC 8259, valid UTF-8, no
/// lone surrogates. Anything else is comma-separated text, of which empty items are dropped.
///
/// # Errors
///
/// [`NotAList`] when the value is neither.
pub fn parse(value: &[u8]) -> Result<Vec<String>, NotAList> {
    let first = value.iter().find(|byte| !b" \t\n\r".contains(byte));
    if matches!(first, Some(b'[' | b'{')) {
        return serde_json::from_slice(value).map_err(|_| NotAList);
    }
    let text = std::str::from_utf8(value).map_err(|_| NotAList)?;
    Ok(text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

/// Writes a list as the scripts do, byte for byte: `/` and DEL are escaped, other text beyond ASCII is not.
#[must_use]
pub fn encode<I>(items: I) -> Bytes
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let mut out = String::from("[");
    for (index, item) in items.into_iter().enumerate() {
        out.push_str(if index == 0 { "\"" } else { ",\"" });
        for character in item.as_ref().chars() {
            push_escaped(&mut out, character);
        }
        out.push('"');
    }
    out.push(']');
    out.into()
}

fn push_escaped(out: &mut String, character: char) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '/' => out.push_str("\\/"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
        other => out.push(other),
    }
}
