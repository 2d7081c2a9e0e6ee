//! The documents say what the code does: the table of what each answer of the server proves.

#![expect(clippy::unwrap_used, reason = "a document that cannot be read is a failed test")]

use std::collections::BTreeMap;
use std::fs;

use rmap_proto::error_code::Proof;
use rmap_proto::{ErrorCode, ServerError, WriteError};

/// The columns "answer", "proves" and "reported as" of the table in docs/guarantees.md.
fn rows() -> Vec<[String; 3]> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guarantees.md")).unwrap();
    let (_, section) = text.split_once("### What each answer of the server proves").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let column = |row: &str, index| row.split(" | ").nth(index).unwrap().trim_start_matches("| ").to_owned();
    rows.map(|row| [0, 1, 2].map(|index| column(row, index))).collect()
}

/// The name of a write's error.
fn name(error: &WriteError) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()
}

/// An error reply with this code, in a server's words.
fn text(code: ErrorCode) -> String {
    if code == ErrorCode::Killed {
        return "ERR Script killed by user with SCRIPT KILL".to_owned();
    }
    let rest = if code == ErrorCode::Step { "1 RMAPINTEGER text" } else { "text" };
    format!("{} {rest}", code.as_str())
}

#[test]
fn the_table_of_guarantees_says_of_each_code_what_the_code_proves() {
    let mut documented = BTreeMap::new();
    for [answers, proves, reported] in rows() {
        for code in ErrorCode::ALL {
            let word = |part: &str| part.split_whitespace().next() == Some(code.as_str());
            if answers.split(", ").any(word) || answers.contains(code.as_str()) && *code == ErrorCode::Killed
            {
                let again = documented.insert(code.as_str(), (proves.clone(), reported.clone()));
                assert!(again.is_none(), "{code:?} stands twice");
            }
        }
    }
    for code in ErrorCode::ALL {
        if matches!(code, ErrorCode::NoLogin | ErrorCode::WrongLogin) {
            // No write meets these codes.
            continue;
        }
        let (proves, reported) =
            documented.get(code.as_str()).unwrap_or_else(|| panic!("no row for {code:?}"));
        let expected = match code.proof() {
            Proof::NothingRan => "nothing ran",
            Proof::NothingChanged => "nothing changed",
            Proof::Nothing => "nothing:",
            _ => panic!("a proof that is new to this test"),
        };
        assert!(proves.starts_with(expected), "{code:?}: {proves:?} is not {expected:?}");
        // If no error reports a code, or the library replaces the error, the row says so.
        let is_reported = !reported.starts_with("not reported") && *code != ErrorCode::ClusterDown;
        let error = WriteError::from_server(ServerError::parse(&text(*code)));
        let is_named = reported.contains(&name(&error)) || *code == ErrorCode::Step;
        assert!(!is_reported || is_named, "{code:?} is {error:?}, the table says {reported}");
    }
}

/// The table of codes and the classification of writes agree: a proof that nothing happened is never indeterminate.
#[test]
fn each_code_is_classified_by_its_proof() {
    for code in ErrorCode::ALL {
        let text = text(*code);
        let error = ServerError::parse(&text);
        assert_eq!(error.known(), Some(*code), "{text}");
        let is_unknown = matches!(WriteError::from_server(error), WriteError::Indeterminate(_));
        assert_eq!(is_unknown, code.proof() == Proof::Nothing, "{text}");
    }
}
