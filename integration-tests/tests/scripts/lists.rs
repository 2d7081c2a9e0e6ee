//! List operations: recognised lists, and results.

use integration_tests::Server;
use rmap_proto::{KeyOperation, Operation, WriteError, list};

use crate::{applied, expect, expect_unchanged, key, not_applied, plain, texts};
use integration_tests::Scripts;

fn append(items: &[&str]) -> Operation {
    Operation::Key(KeyOperation::AppendValues { key: key("l"), items: texts(items) })
}

fn append_unique(items: &[&str]) -> Operation {
    Operation::Key(KeyOperation::AppendUniqueValues { key: key("l"), items: texts(items) })
}

fn remove(items: &[&str]) -> Operation {
    Operation::Key(KeyOperation::RemoveValues { key: key("l"), items: texts(items) })
}

/// `before` and `after` are the key's value.
#[track_caller]
fn expect_list(scripts: &mut Scripts, before: Option<&str>, operation: Operation, after: Option<&str>) {
    let mut given = vec![("=kind", "del"), ("=rev", "7")];
    given.extend(before.map(|value| ("l", value)));
    if before == after {
        expect_unchanged(scripts, &given, operation, not_applied(Some(7), before, before));
        return;
    }
    let mut payload = match after {
        Some(value) => {
            let length = u32::try_from(value.len()).unwrap().to_le_bytes();
            [b"set:\x01\0\0\0l", &length[..], value.as_bytes()].concat()
        }
        None => b"del:\x01\0\0\0l".to_vec(),
    };
    payload.extend_from_slice(b"\x01\0\0\x008");
    let mut fields = vec![("=kind", if after.is_some() { "set" } else { "del" }), ("=rev", "8")];
    fields.extend(after.map(|value| ("l", value)));
    expect(scripts, &given, operation, applied(8, before, after), &[&payload], &fields);
}

#[test]
fn append_values_appends_in_order() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    expect_list(c, None, append(&["a"]), Some(r#"["a"]"#));
    expect_list(c, Some(r#"["a"]"#), append(&["b", "a"]), Some(r#"["a","b","a"]"#));
    expect_list(c, Some(r#"["a"]"#), append(&["", "a,b"]), Some(r#"["a","","a,b"]"#));
    expect_list(c, Some("[]"), append(&["x"]), Some(r#"["x"]"#));
    expect_list(c, Some(""), append(&["x"]), Some(r#"["x"]"#));
    expect_list(c, None, append(&[]), None);
    expect_list(c, Some(r#" [ "a" ]"#), append(&[]), Some(r#" [ "a" ]"#));
}

#[test]
fn append_unique_values_appends_what_is_new() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    expect_list(c, None, append_unique(&["x", "x", "y"]), Some(r#"["x","y"]"#));
    expect_list(c, Some(r#"["a","b","a"]"#), append_unique(&["a", "c", "c"]), Some(r#"["a","b","a","c"]"#));
    expect_list(c, Some(r#"["a","b","a"]"#), append_unique(&["a", "b"]), Some(r#"["a","b","a"]"#));
    expect_list(c, Some("a, b"), append_unique(&["b", " b"]), Some(r#"["a"," b","b"]"#));
    expect_list(c, Some(r#"["\u00e9"]"#), append_unique(&["é"]), Some(r#"["\u00e9"]"#));
    expect_list(c, None, append_unique(&[]), None);
    expect_list(c, Some("a,b"), append_unique(&[]), Some("a,b"));
}

#[test]
fn remove_values_removes_every_occurrence_and_the_key_with_the_last() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    expect_list(c, Some(r#"["a","b","a","c"]"#), remove(&["a"]), Some(r#"["b","c"]"#));
    expect_list(c, Some(r#"["b","c"]"#), remove(&["c", "b", "z"]), None);
    expect_list(c, Some("a,b,a"), remove(&["a"]), Some(r#"["b"]"#));
    expect_list(c, Some("a,a"), remove(&["a"]), None);
    expect_list(c, Some(r#"["sl\/ash","x"]"#), remove(&["sl/ash"]), Some(r#"["x"]"#));
    expect_list(c, Some(r#"["a"]"#), remove(&["z"]), Some(r#"["a"]"#));
    expect_list(c, Some("[]"), remove(&["z"]), Some("[]"));
    expect_list(c, Some(r#"["a"]"#), remove(&[]), Some(r#"["a"]"#));
    expect_list(c, None, remove(&["z"]), None);
}

#[test]
fn lists_are_read_as_json_or_as_comma_separated_text() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let cases = [
        ("a,b,c", r#"["a","b","c","x"]"#),
        ("a,,b,", r#"["a","b","x"]"#),
        ("a, b", r#"["a"," b","x"]"#),
        ("plain", r#"["plain","x"]"#),
        (" ", r#"[" ","x"]"#),
        ("\u{b}[", r#"["\u000b[","x"]"#),
        ("5", r#"["5","x"]"#),
        (r#""quoted""#, r#"["\"quoted\"","x"]"#),
        ("null", r#"["null","x"]"#),
        (" [ \"a\" ,\t\"b\"\r\n] ", r#"["a","b","x"]"#),
        (r#"["a\/b","\u00e9","\u0000","\ud83d\ude00"]"#, "[\"a\\/b\",\"é\",\"\\u0000\",\"😀\",\"x\"]"),
        ("[\"日本\",\"\u{7f}\"]", "[\"日本\",\"\\u007f\",\"x\"]"),
    ];
    for (before, after) in cases {
        expect_list(&mut scripts, Some(before), append(&["x"]), Some(after));
    }
}

#[test]
fn what_is_no_list_is_refused_and_kept() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let values = [
        "{}",
        r#"{"a":1}"#,
        "[1,2]",
        "[12345678901234567890]",
        r#"[null,"a"]"#,
        r#"[["a"]]"#,
        r#"["a""#,
        r#"["a"],"#,
        r#"["a",]"#,
        r#"[,"a"]"#,
        r#"["a" "b"]"#,
        r#"["a"]]"#,
        "[",
        "[]x",
        "  {",
        r#"['a']"#,
        r#"["\x"]"#,
        r#"["\u12"]"#,
        r#"["\ud800"]"#,
        r#"["\udc00"]"#,
        r#"["\ud800\ud800\udc00"]"#,
        "[\"a\nb\"]",
        "[\"a\0b\"]",
        "[\u{b}\"a\"]",
        "[//\"a\"]",
        "[NaN]",
    ];
    for value in values {
        for items in [&["x"][..], &[]] {
            for operation in [append(items), append_unique(items), remove(items)] {
                let given = [("=kind", "set"), ("=rev", "7"), ("l", value)];
                expect_unchanged(&mut scripts, &given, operation, Err(WriteError::NotAList));
            }
        }
    }
}

#[test]
fn what_is_not_utf_8_is_refused_and_kept() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let sequences: [&[u8]; 10] = [
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xe3\xc3\xa9\x81\x82",
    ];
    for sequence in sequences {
        for value in [sequence.to_vec(), [b"[\"", sequence, b"\"]"].concat()] {
            scripts.given(&[("=rev", "7")]);
            scripts.hset("l", &value);
            assert_eq!(scripts.write(&plain(append(&["x"]))), Err(WriteError::NotAList));
            assert_eq!(scripts.hash()[&b"l"[..]], value);
            assert!(list::parse(&value).is_err());
        }
    }
    scripts.expect_silence("at the end");
}
