//! Bytes as hexadecimal digits, two a byte.

use std::fmt::Write;

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a String takes any text");
    }
    digits
}
