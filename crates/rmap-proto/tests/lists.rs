//! List values.

use proptest::prelude::*;
use rmap_proto::list::{NotAList, encode, parse};

#[test]
fn json_and_comma_separated_text_are_lists() {
    let cases: [(&str, &[&str]); 16] = [
        ("", &[]),
        ("[]", &[]),
        (" [ ] ", &[]),
        (",,", &[]),
        ("a,b,c", &["a", "b", "c"]),
        ("a,,b,", &["a", "b"]),
        ("a, b", &["a", " b"]),
        (" ", &[" "]),
        ("\u{b}[", &["\u{b}["]),
        ("5", &["5"]),
        ("null", &["null"]),
        (r#""quoted""#, &["\"quoted\""]),
        (r#"["a","",""]"#, &["a", "", ""]),
        ("\t[ \"a\" ,\n\"b\"\r] ", &["a", "b"]),
        (r#"["a\/b","\u00e9","\u0000","\ud83d\ude00"]"#, &["a/b", "é", "\0", "😀"]),
        ("[\"日本\u{7f}\"]", &["日本\u{7f}"]),
    ];
    for (value, items) in cases {
        assert_eq!(parse(value.as_bytes()).unwrap(), items, "{value:?}");
    }
}

#[test]
fn what_looks_like_json_must_be_an_array_of_strings() {
    let values = [
        "{}",
        "  {",
        "[",
        "[1]",
        "[null]",
        r#"[["a"]]"#,
        r#"["a""#,
        r#"["a",]"#,
        r#"["a"],"#,
        r#"["a" "b"]"#,
        r#"["\x"]"#,
        r#"["\u12"]"#,
        r#"["\ud800"]"#,
        r#"["\udc00"]"#,
        r#"["\ud800\ud800\udc00"]"#,
        "[\"a\nb\"]",
        "[\"a\0\"]",
        "['a']",
        "[NaN]",
    ];
    for value in values {
        assert_eq!(parse(value.as_bytes()), Err(NotAList), "{value:?}");
    }
    for value in [&b"\xff"[..], b"a,\x80", b"[\"\xed\xa0\x80\"]", b"[\"\xc0\x80\"]"] {
        assert_eq!(parse(value), Err(NotAList), "{}", value.escape_ascii());
    }
}

/// Go peers and the scripts write the same bytes.
#[test]
fn lists_are_written_as_the_scripts_write_them() {
    assert_eq!(encode([""; 0]), "[]");
    assert_eq!(encode(["a", ""]), r#"["a",""]"#);
    let item = "日本é😀\"\\/\u{8}\t\n\u{c}\r\0\u{1}\u{1f}\u{7f}";
    let written = r#"["日本é😀\"\\\/\b\t\n\f\r\u0000\u0001\u001f\u007f"]"#;
    assert_eq!(encode([item]), written);
}

proptest! {
    #[test]
    fn there_and_back(items in prop::collection::vec(any::<String>(), 0..8)) {
        prop_assert_eq!(parse(&encode(&items)), Ok(items));
    }

    #[test]
    fn any_bytes_are_answered(value in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(&value);
    }
}
