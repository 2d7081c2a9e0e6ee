//! One entry of a file, and what is wrong with it.

use rmap_client::Key;

use crate::input;

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Entry {
    pub(in super::super) key: Vec<u8>,
    pub(in super::super) value: Vec<u8>,
}

/// A fault of a file, with its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The byte order mark that some editors put before UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The entry, unless it exceeds what a map takes.
pub(super) fn checked(entry: Entry) -> Result<Entry, String> {
    Key::new(&entry.key).map_err(|error| error.to_string())?;
    if entry.key.len() > input::MAX_KEY_BYTES {
        return Err(format!("the key has {} bytes, at most 1 MiB are allowed", entry.key.len()));
    }
    if entry.value.len() > input::MAX_VALUE_BYTES {
        return Err(format!("the value has {} bytes, at most 16 MiB are allowed", entry.value.len()));
    }
    Ok(entry)
}

#[cfg(test)]
pub(super) fn entry(key: &[u8], value: &[u8]) -> Entry {
    Entry { key: key.to_vec(), value: value.to_vec() }
}
