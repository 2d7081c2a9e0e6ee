//! Bytes in formats that have only text.

use std::fmt::Write;

use serde::ser::SerializeMap;

/// Serializes bytes as text under the first name, null for `None`. Bytes that are not UTF-8 appear in hexadecimal under
/// the second name.
pub(crate) fn bytes<M: SerializeMap>(
    object: &mut M,
    [name, hex]: [&'static str; 2],
    bytes: Option<&[u8]>,
) -> Result<(), M::Error> {
    let Some(bytes) = bytes else { return object.serialize_entry(name, &None::<&str>) };
    if let Ok(text) = str::from_utf8(bytes) {
        return object.serialize_entry(name, text);
    }
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    object.serialize_entry(hex, &digits)
}
