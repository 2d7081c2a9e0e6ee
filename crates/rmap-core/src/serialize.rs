//! Bytes in formats that know text alone.

use std::fmt::Write;

use serde::ser::SerializeMap;

/// Puts bytes under the first name when they are text and null when there are none; in hexadecimal under the second name when
/// they are not UTF-8.
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
        // A String takes any text.
        let _ = write!(digits, "{byte:02x}");
    }
    object.serialize_entry(hex, &digits)
}
