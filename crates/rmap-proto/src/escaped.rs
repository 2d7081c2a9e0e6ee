//! A reversible one-line form of arbitrary bytes.

use std::fmt::{self, Write};

/// Shows bytes as one printable line. Different bytes always give different text.
///
/// UTF-8 text stays unchanged, quotes included. Backslashes, control characters and bytes that are not UTF-8 become
/// escapes.
///
/// ```
/// use rmap_proto::Escaped;
///
/// assert_eq!(Escaped("d\u{e9}j\u{e0} vu".as_bytes()).to_string(), "d\u{e9}j\u{e0} vu");
/// assert_eq!(Escaped(b"a\tb\xff").to_string(), r"a\tb\xff");
/// ```
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a way to show bytes is nothing but the bytes")]
pub struct Escaped<'a>(
    /// The bytes to show.
    pub &'a [u8],
);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' | '\'' => f.write_char(char)?,
                    _ => char.escape_debug().try_for_each(|char| f.write_char(char))?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Escaped<'_> {
    /// The `Display` form between double quotes, with the quotes inside escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.to_string().replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_the_rest_is_escaped() {
        let escape = |bytes| Escaped(bytes).to_string();
        assert_eq!(escape("blue '\u{e9}' \"x\"".as_bytes()), "blue '\u{e9}' \"x\"");
        assert_eq!(escape(b"a\tb\nc\\\x00\x1b\xff\xc3"), r"a\tb\nc\\\0\u{1b}\xff\xc3");
        assert_eq!(escape("\u{202e}".as_bytes()), r"\u{202e}");
        assert_eq!(format!("{:?}", Escaped(b"a\"\\")), r#""a\"\\""#);
    }

    #[test]
    fn different_bytes_differ_as_text() {
        let bytes: Vec<Vec<u8>> =
            (0..=255u8).flat_map(|a| [vec![a], vec![b'\\', a], vec![b'x', a]]).collect();
        let mut texts: Vec<String> = bytes.iter().map(|bytes| Escaped(bytes).to_string()).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), bytes.len());
    }
}
