//! Any bytes as one line of text that a terminal shows as it is, and from which the bytes can be told.

use std::fmt::Write;

/// Text as it is; backslashes, control characters and what is not UTF-8 as escapes.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\'' => line.push(char),
                _ => line.extend(char.escape_debug()),
            }
        }
        push_hex(&mut line, chunk.invalid(), "\\x");
    }
    line
}

/// The same between double quotes, those inside escaped; `none` without quotes when there is nothing.
pub(crate) fn quote(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "none".to_owned(), |bytes| format!("\"{}\"", escape(bytes).replace('"', "\\\"")))
}

/// Two hexadecimal digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    push_hex(&mut digits, bytes, "");
    digits
}

fn push_hex(text: &mut String, bytes: &[u8], prefix: &str) {
    for byte in bytes {
        write!(text, "{prefix}{byte:02x}").expect("a String takes any text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_the_rest_is_escaped() {
        assert_eq!(escape("blue 'é' \"x\"".as_bytes()), "blue 'é' \"x\"");
        assert_eq!(escape(b"a\tb\nc\\\x00\x1b\xff\xc3"), r"a\tb\nc\\\0\u{1b}\xff\xc3");
        assert_eq!(escape("\u{202e}".as_bytes()), r"\u{202e}");
    }

    #[test]
    fn quotes_tell_nothing_from_the_word() {
        assert_eq!(quote(None), "none");
        assert_eq!(quote(Some(b"none")), "\"none\"");
        assert_eq!(quote(Some(b"a\"\\")), r#""a\"\\""#);
    }

    #[test]
    fn different_bytes_differ_as_text() {
        let bytes: Vec<Vec<u8>> =
            (0..=255u8).flat_map(|a| [vec![a], vec![b'\\', a], vec![b'x', a]]).collect();
        let mut texts: Vec<String> = bytes.iter().map(|bytes| escape(bytes)).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), bytes.len());
    }
}
