//! JSON: what `list --json` prints, or objects like its entries, with or without line ends between them.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::entry::{Entry, Problem, checked};
use crate::input;

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Entry>, Problem> {
    let text = str::from_utf8(bytes).map_err(|error| Problem {
        line: line_after(&bytes[..error.valid_up_to()]),
        what: "not UTF-8, as JSON must be".to_owned(),
    })?;
    let mut entries = Vec::new();
    for object in Deserializer::from_str(text).into_iter::<&RawValue>() {
        let object =
            Part { whole: text, part: object.map_err(|error| Part::all(text).problem(&error))?.get() };
        if object.read::<Kind>()?.entries.is_none() {
            entries.push(object.entry()?);
            continue;
        }
        for listed in object.read::<Listing<'_>>()?.entries {
            entries.push(Part { part: listed.get(), ..object }.entry()?);
        }
    }
    Ok(entries)
}

/// Tells the two kinds of objects apart.
#[derive(Deserialize)]
struct Kind {
    entries: Option<IgnoredAny>,
}

/// The output of `list --json`. Its entries go into the map that the command line names, at revisions of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing<'a> {
    #[serde(rename = "map")]
    _map: Option<String>,
    #[serde(rename = "map_hex")]
    _map_hex: Option<String>,
    #[serde(rename = "revision")]
    _revision: Option<u64>,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    key: Option<String>,
    key_hex: Option<String>,
    value: Option<String>,
    value_hex: Option<String>,
}

/// A JSON value within the file, so that a problem in it has a line of the file.
#[derive(Clone, Copy)]
struct Part<'a> {
    whole: &'a str,
    part: &'a str,
}

impl<'a> Part<'a> {
    const fn all(text: &'a str) -> Self {
        Self { whole: text, part: text }
    }

    /// A struct would be read from an array, too.
    fn read<T: Deserialize<'a>>(self) -> Result<T, Problem> {
        if !self.part.starts_with('{') {
            return Err(self.at_its_line("not an object".to_owned()));
        }
        serde_json::from_str(self.part).map_err(|error| self.problem(&error))
    }

    fn entry(self) -> Result<Entry, Problem> {
        let Members { key, key_hex, value, value_hex } = self.read()?;
        let entry = bytes("key", key, key_hex)
            .and_then(|key| Ok(Entry { key, value: bytes("value", value, value_hex)? }))
            .and_then(checked);
        entry.map_err(|what| self.at_its_line(what))
    }

    fn at_its_line(self, what: String) -> Problem {
        Problem { line: line_after(self.before()), what }
    }

    /// Lines and columns of the error are those within the part.
    fn problem(self, error: &serde_json::Error) -> Problem {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(&text[..], |(what, _)| what);
        let line_begin = self.before().iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let before = if error.line() > 1 { 0 } else { self.before().len() - line_begin };
        let line = line_after(self.before()) + error.line().saturating_sub(1);
        Problem { line, what: format!("{what} at column {}", before + error.column()) }
    }

    fn before(self) -> &'a [u8] {
        let begin = self.part.as_ptr() as usize - self.whole.as_ptr() as usize;
        &self.whole.as_bytes()[..begin]
    }
}

fn line_after(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Text under `name`, or hexadecimal digits under `name_hex`.
fn bytes(name: &str, text: Option<String>, hex: Option<String>) -> Result<Vec<u8>, String> {
    match (text, hex) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(digits)) => input::decode_hex(digits.as_bytes())
            .ok_or_else(|| format!("'{name}_hex' is not an even number of hexadecimal digits")),
        (None, None) => Err(format!("neither '{name}' nor '{name}_hex'")),
        (Some(_), Some(_)) => Err(format!("both '{name}' and '{name}_hex'")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::entry;
    use super::*;

    #[test]
    fn objects_are_what_list_prints_as_entries() {
        let parse = |text: &str| parse(text.as_bytes()).unwrap();
        assert_eq!(parse(r#"{"key":"a","value":"=\u0000"}"#), [entry(b"a", b"=\0")]);
        assert_eq!(parse(r#"{"value_hex":"00fF","key_hex":"61"}"#), [entry(b"a", b"\x00\xff")]);
        let two = "{\"key\":\"a\",\"value\":\"\"}\r\n\r\n{\n\"key\":\"b\",\"value\":\"1\"}";
        assert_eq!(parse(two), [entry(b"a", b""), entry(b"b", b"1")]);
        assert_eq!(parse(""), []);
    }

    #[test]
    fn listings_are_read_however_they_are_laid_out() {
        let listing = "{\"map\":\"m\",\"revision\":7,\"entries\":[\n{\"key\":\"a\",\"value\":\"1\"},\n{\"key_hex\":\"ff\",\"value\":\"\"}\n]}\n";
        let entries = || vec![entry(b"a", b"1"), entry(b"\xff", b"")];
        let pretty =
            serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(listing).unwrap())
                .unwrap();
        for text in [listing, &listing.replace('\n', ""), &pretty] {
            assert_eq!(parse(text.as_bytes()).unwrap(), entries());
        }
        assert_eq!(
            parse(listing.repeat(2).as_bytes()).unwrap(),
            entries().into_iter().chain(entries()).collect::<Vec<_>>()
        );
        for empty in [r#"{"map_hex":"ff","revision":null,"entries":[]}"#, r#"{"entries":[]}"#] {
            assert_eq!(parse(empty.as_bytes()).unwrap(), []);
        }
    }

    #[test]
    fn anything_else_is_refused_at_its_line() {
        let good = r#"{"key":"a","value":"1"}"#;
        for (bad, what) in [
            ("[]", "not an object"),
            (r#"["a",null,"1",null]"#, "not an object"),
            ("{", "EOF while parsing an object at column 1"),
            ("x", "expected value at column 1"),
            ("{}", "neither 'key' nor 'key_hex'"),
            (r#"{"key":"a"}"#, "neither 'value' nor 'value_hex'"),
            (r#"{"key":1,"value":""}"#, "invalid type: integer `1`, expected a string at column 8"),
            (r#"{"key":"a","key_hex":"61","value":""}"#, "both 'key' and 'key_hex'"),
            (r#"{"key":"a","value_hex":"6"}"#, "'value_hex' is not an even number of hexadecimal digits"),
            (r#"{"key":"a","key":"b","value":""}"#, "duplicate field `key` at column 16"),
            (r#"{"key":"a=","value":""}"#, "key \"a=\" contains '=' at byte 1"),
            (r#"{"key":"\ud800","value":""}"#, "unexpected end of hex escape at column 15"),
        ] {
            let expected = |line| Err(Problem { line, what: what.to_owned() });
            assert_eq!(parse(format!("{good}\n\n{bad}").as_bytes()), expected(3), "{bad}");
            let closed = serde_json::from_str::<IgnoredAny>(bad).is_ok();
            let listing = format!("{{\"entries\":[\n{good},\n{bad}\n]}}");
            assert!(
                !closed || parse(listing.as_bytes()) == expected(3),
                "{bad} {:?}",
                parse(listing.as_bytes())
            );
        }
        for bad in [
            r#"{"key":"a","value":"","ttl":1}"#,
            r#"{"map":"m","key":"a","value":""}"#,
            r#"{"entries":[],"key":"a","value":""}"#,
            r#"{"entries":{}}"#,
            r#"{"entries":[],"entries":[]}"#,
        ] {
            let problem = parse(format!("{good}\n{bad}").as_bytes()).unwrap_err();
            assert!(problem.line == 2 && problem.what.contains(" at column "), "{bad}: {problem:?}");
        }
        assert_eq!(parse(b"{}\n\xff").unwrap_err().line, 2);
    }
}
