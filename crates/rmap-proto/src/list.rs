//! List values: lists of strings as the values of keys.
//!
//! A list is stored as a JSON array of strings. [`parse`] also reads comma-separated text, the form that old Pulse
//! versions stored. The Lua scripts follow the same rule.

use bytes::Bytes;
use thiserror::Error;

use crate::error::WriteError;

/// Longest list, as text, that any operation reads or writes.
///
/// Every change sends the whole list to every subscriber, and Redis disconnects a subscriber with 32 MB pending.
pub const MAX_BYTES: usize = 16 << 20;

/// Largest size of the lists that operations produce.
///
/// For each change the server reads and writes the whole list, and it serves nobody else meanwhile: about 0.6 ms for
/// 1,000 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    items: usize,
    bytes: usize,
}

impl Default for Limit {
    /// Returns 100,000 items and 1 MiB.
    fn default() -> Self {
        Self { items: 100_000, bytes: 1 << 20 }
    }
}

impl Limit {
    /// A limit on the number of items and on the bytes of the list as text. `bytes` is capped at [`MAX_BYTES`].
    #[must_use]
    pub fn new(items: usize, bytes: usize) -> Self {
        Self { items, bytes: bytes.min(MAX_BYTES) }
    }

    /// Largest number of items.
    #[must_use]
    pub const fn items(self) -> usize {
        self.items
    }

    /// Largest number of bytes of the list as text.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// Rejects an operation with more items than a whole list may have.
    pub(crate) fn check_given(self, items: &[String]) -> Result<(), WriteError> {
        self.check(items.len(), items.iter().map(String::len).sum())
    }

    /// Checks the size of a list.
    ///
    /// # Errors
    ///
    /// [`WriteError::ListTooLong`] when the list has more items or bytes than allowed.
    pub const fn check(self, items: usize, bytes: usize) -> Result<(), WriteError> {
        if items > self.items || bytes > self.bytes { Err(WriteError::ListTooLong) } else { Ok(()) }
    }
}

/// The value is not a list: it begins like JSON but is no array of strings, or it is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the value is not a list of strings")]
#[expect(clippy::exhaustive_structs, reason = "the type says all")]
pub struct NotAList;

/// Reads a value as a list.
///
/// A value whose first non-blank byte is `[` or `{` must be a JSON array of strings: strict RFC 8259, valid UTF-8, no
/// lone surrogates. Any other value is comma-separated text, and its empty items are dropped.
///
/// # Errors
///
/// [`NotAList`] when the value is neither.
///
/// ```
/// use rmap_proto::list;
///
/// assert_eq!(list::parse(br#"["a","b"]"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
/// assert_eq!(list::parse(b"a,,b"), list::parse(br#"["a","b"]"#));
/// assert!(list::parse(b"[1]").is_err());
/// ```
pub fn parse(value: &[u8]) -> Result<Vec<String>, NotAList> {
    let first = value.iter().find(|byte| !b" \t\n\r".contains(byte));
    if matches!(first, Some(b'[' | b'{')) {
        return serde_json::from_slice(value).map_err(|_| NotAList);
    }
    let text = std::str::from_utf8(value).map_err(|_| NotAList)?;
    Ok(text.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

/// Writes a list byte for byte as the scripts do: `/` and DEL are escaped, other text beyond ASCII is not.
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
