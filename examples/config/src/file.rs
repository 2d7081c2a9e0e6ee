//! Configuration files: lines of the form `KEY = VALUE`.

use std::collections::BTreeMap;

use crate::schema;

/// The entries of a file, each accepted by the schema.
///
/// # Errors
///
/// The first line that is no entry, with its number and what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<&str, &str>, String> {
    let mut entries = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("line {number}: no `=`"))?;
        let (key, value) = (key.trim_end(), value.trim_start());
        schema::check(key, value).map_err(|reason| format!("line {number}: {key}: {reason}"))?;
        if entries.insert(key, value).is_some() {
            return Err(format!("line {number}: {key} is there twice"));
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn comments_and_blanks_are_no_entries() {
        let entries = parse("# the pool\n\npool/size = 8\n  greeting = a = b \n").unwrap();
        assert_eq!(entries.into_iter().collect::<Vec<_>>(), [("greeting", "a = b"), ("pool/size", "8")]);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(parse("pool/size = 8\npool").unwrap_err(), "line 2: no `=`");
        assert_eq!(parse("a = 1\na = 2").unwrap_err(), "line 2: a is there twice");
        assert_eq!(parse("pool/size = many").unwrap_err(), "line 1: pool/size: `many` is no number above 0");
    }
}
