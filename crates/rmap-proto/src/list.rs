//! List values: lists of strings as the values of keys.
//!
//! A list is stored as a JSON array of strings. Comma-separated text, the form that old Pulse versions stored, is read
//! as well. The Lua scripts follow the same rule.

use bytes::Bytes;
use thiserror::Error;

use crate::error::WriteError;

/// Longest list that any operation reads or makes, as text: every change sends the whole of it to every subscriber, and Redis
/// disconnects one that has 32 MB to come.
pub const MAX_BYTES: usize = 16 << 20;

/// How long the lists may be that operations make.
///
/// The server reads and writes a whole list for each change, and answers nobody else meanwhile: some 0.6 ms for 1,000 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    items: usize,
    bytes: usize,
}

impl Default for Limit {
    /// 100,000 items and 1 MiB.
    fn default() -> Self {
        Self { items: 100_000, bytes: 1 << 20 }
    }
}

impl Limit {
    /// At most so many items, and so many bytes as text, of which no more than [`MAX_BYTES`] are allowed.
    #[must_use]
    pub fn new(items: usize, bytes: usize) -> Self {
        Self { items, bytes: bytes.min(MAX_BYTES) }
    }

    /// The most items.
    #[must_use]
    pub const fn items(self) -> usize {
        self.items
    }

    /// The most bytes of the list as text.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// An operation can't be given more than a list may have.
    pub(crate) fn check_given(self, items: &[String]) -> Result<(), WriteError> {
        self.check(items.len(), items.iter().map(String::len).sum())
    }

    /// Refuses a list with more items or bytes.
    ///
    /// # Errors
    ///
    /// [`WriteError::ListTooLong`].
    pub const fn check(self, items: usize, bytes: usize) -> Result<(), WriteError> {
        if items > self.items || bytes > self.bytes { Err(WriteError::ListTooLong) } else { Ok(()) }
    }
}

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
