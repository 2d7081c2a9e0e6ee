//! The Go peer's reading of a list value.

/// Reads a JSON array of strings, in which null counts as the empty string and invalid bytes are replaced. Reads any
/// other value as comma-separated text, empty items included.
pub(super) fn read(value: Option<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let value = value?;
    let text = String::from_utf8_lossy(&value);
    let items = match serde_json::from_str::<Vec<Option<String>>>(&text) {
        Ok(items) => items.into_iter().map(Option::unwrap_or_default).collect(),
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => text.split(',').map(str::to_owned).collect(),
    };
    Some(items.into_iter().map(String::into_bytes).collect())
}
