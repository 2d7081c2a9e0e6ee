//! The entries of a file: `KEY=VALUE` lines or JSON.

mod entry;
mod json;
mod text;

use std::path::Path;

pub(super) use self::entry::Entry;
use self::entry::{BYTE_ORDER_MARK, Problem};
use crate::command_error::CommandError;
use crate::input;

/// All entries of a file, or of standard input when it is `-`.
pub(super) fn read(file: &Path, json: bool) -> Result<Vec<Entry>, CommandError> {
    parse(&input::read_all(file)?, json).map_err(|Problem { line, what }| {
        CommandError::Usage(format!("{}, line {line}: {what}", file.display()))
    })
}

fn parse(bytes: &[u8], json: bool) -> Result<Vec<Entry>, Problem> {
    let bytes = without_mark(bytes).map_err(|what| Problem { line: 1, what })?;
    // No line of text begins like what `list --json` prints.
    if json || bytes.starts_with(b"{\"map") { json::parse(bytes) } else { text::parse(bytes) }
}

/// Without the mark that some editors put before UTF-8. The marks of other encodings say that nothing here is what it seems.
fn without_mark(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("the file is UTF-16, not UTF-8".to_owned());
    }
    Ok(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::entry::entry;
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_key() {
        let one = [entry(b"a", b"1")];
        assert_eq!(parse(b"\xef\xbb\xbfa=1\n", false).unwrap(), one);
        assert_eq!(parse(b"\xef\xbb\xbf{\"key\":\"a\",\"value\":\"1\"}", true).unwrap(), one);
        assert_eq!(parse(b"\xef\xbb\xbf", false).unwrap(), []);
        // Of files that were joined.
        assert_eq!(parse(b"a=1\n\xef\xbb\xbfb=2\n", false).unwrap_err().line, 2);
        assert_eq!(parse(b"\xef\xbb\xbf\xef\xbb\xbfa=1\n", false).unwrap_err().line, 1);
    }

    #[test]
    fn other_encodings_are_refused() {
        let little: Vec<u8> = "\u{feff}a=1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}a=1\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little[..], &big, &little[2..], &big[2..]] {
            for json in [false, true] {
                assert_eq!(parse(bytes, json).unwrap_err().line, 1, "{}", bytes.escape_ascii());
            }
        }
    }
}
