//! Lines of text. What could be meant in two ways is refused, as the bytes of a key are never trimmed.

use super::entry::{BYTE_ORDER_MARK, Entry, Problem, checked};
use crate::input;

/// The way out for keys and values that lines of text do not take.
const USE_JSON: &str = "use --json if that is meant";

/// Lines end with LF or CR LF; empty ones are skipped.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Problem> {
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut entries = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let problem = |what| Problem { line: index + 1, what };
        if line.contains(&b'\r') {
            // The end of a line for one, and a part of the value for another.
            return Err(problem(format!("a CR that no LF follows; {USE_JSON}")));
        }
        entries.push(line_of_text(line).and_then(checked).map_err(problem)?);
    }
    Ok(entries)
}

fn line_of_text(line: &[u8]) -> Result<Entry, String> {
    // Whole, with a comma behind it, or a piece of an array: nobody means a key that begins so.
    if line.starts_with(b"{\"") || line.starts_with(b"[{") {
        return Err("JSON, not KEY=VALUE: --json reads it".to_owned());
    }
    let (key, value) = input::split_pair(line).ok_or("not KEY=VALUE")?;
    unambiguous(key, value)?;
    Ok(Entry { key: key.to_vec(), value: value.to_vec() })
}

/// `k = v` is a key with a blank at its end for one, and without for another.
fn unambiguous(key: &[u8], value: &[u8]) -> Result<(), String> {
    if key.starts_with(BYTE_ORDER_MARK) {
        return Err(format!("the key begins with a byte order mark; {USE_JSON}"));
    }
    let (first, last) = ends(key);
    if first.is_some_and(char::is_whitespace) {
        return Err(format!("blanks before the key; {USE_JSON}"));
    }
    if last.is_some_and(char::is_whitespace) {
        return Err(format!("blanks between the key and '='; {USE_JSON}"));
    }
    if let Some(at) = key.iter().position(u8::is_ascii_control) {
        return Err(format!("the key has a control character at byte {at}; {USE_JSON}"));
    }
    if ends(value).0.is_some_and(char::is_whitespace) {
        return Err(format!("blanks between '=' and the value; {USE_JSON}"));
    }
    Ok(())
}

/// The first and the last character, as far as the bytes are text there.
fn ends(bytes: &[u8]) -> (Option<char>, Option<char>) {
    let mut chunks = bytes.utf8_chunks();
    let first = chunks.next();
    let last = chunks.last().or_else(|| first.clone()).filter(|chunk| chunk.invalid().is_empty());
    (
        first.and_then(|chunk| chunk.valid().chars().next()),
        last.and_then(|chunk| chunk.valid().chars().next_back()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::entry::entry;
    use super::*;

    #[test]
    fn a_line_ends_its_key_at_the_first_equals_sign() {
        assert_eq!(line_of_text(b"a=b=c"), Ok(entry(b"a", b"b=c")));
        assert_eq!(line_of_text(b"{tag}\xff="), Ok(entry(b"{tag}\xff", b"")));
        assert_eq!(line_of_text(b"two words=two words "), Ok(entry(b"two words", b"two words ")));
        assert_eq!(line_of_text(b"{}=\"{}\""), Ok(entry(b"{}", b"\"{}\"")));
        assert!(line_of_text(b"a").is_err());
        assert!(line_of_text(b"=a").and_then(checked).is_err());
    }

    #[test]
    fn lines_are_split_at_lf_and_cr_lf() {
        let entries = [entry(b"a", b"1"), entry(b"b", b"2")];
        for text in ["a=1\nb=2", "a=1\r\nb=2\r\n", "\n\na=1\r\n\r\nb=2\n"] {
            assert_eq!(parse(text.as_bytes()).unwrap(), entries, "{text:?}");
        }
        assert_eq!(parse(b"a=1\r").unwrap(), entries[..1]);
        for text in ["a=1\r\r\n", "a=1\rb=2\r", "a=1\rb=2\nc=3"] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().line, 1, "{text:?}");
        }
    }

    #[test]
    fn what_could_be_meant_in_two_ways_is_refused_with_its_line() {
        for line in [
            "k = v",
            "k =v",
            "k= v",
            " k=v",
            "\tk=v",
            "k\t=v",
            "k=\tv",
            "k\u{a0}=v",
            "\u{3000}k=v",
            "k=\u{2003}v",
            "k= ",
            " =v",
            "k\r=v",
            "k\0=v",
            "a\tb=v",
            "\u{feff}k=v",
            "k\u{1b}=v",
            "k\u{7f}=v",
            r#"{"key":"a","value":"x=y"}"#,
            r#"{"key":"a","value":"x=y"},"#,
            r#"[{"key":"a","value":"x=y"}]"#,
            r#"[{"key":"a=b","value":"#,
        ] {
            let problem = parse(format!("a=1\n{line}\nb=2").as_bytes()).unwrap_err();
            assert!(problem.line == 2 && problem.what.contains("--json"), "{line:?}: {problem:?}");
        }
    }
}
