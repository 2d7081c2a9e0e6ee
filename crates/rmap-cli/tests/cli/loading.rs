//! `load`.

use std::fs;

use redis::cmd;
use rmap_testing::{Server, calls};

use crate::support::{binary, field, rmap, run, with_input, words};

#[test]
fn lines_of_text_become_entries() {
    let server = Server::start();
    let out = with_input(&server, ["load", "big", "-"], b"a=1\n\r\nb=x=y\r\n{tag}\xff=\na=2\n").text();
    assert!(out.starts_with("4 entries in ") && out.contains(" a second, revision "), "{out}");
    assert_eq!(words(&server, "list big").text(), "a\t2\nb\tx=y\n{tag}\\xff\t\n");
    // It could be a part of the value or an end of a line.
    let refused = with_input(&server, ["load", "big", "-"], b"a=1\nc=b\r\r\n");
    assert!(refused.fails(2).contains("line 2: a CR that no LF follows"));
    assert_eq!(field(&server, "big", "a").unwrap(), b"2");
}

#[test]
fn json_lines_become_entries() {
    let server = Server::start();
    let lines = b"{\"key\":\"a\",\"value\":\"1\\n2\"}\n{\"key_hex\":\"ff\",\"value_hex\":\"00\"}\n";
    with_input(&server, ["load", "big", "-", "--json"], lines).done();
    assert_eq!(field(&server, "big", "a").unwrap(), b"1\n2");
    assert_eq!(field(&server, "big", b"\xff").unwrap(), b"\0");
}

#[test]
fn many_entries_go_in_batches() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = (0..25_000).map(|number| format!("key{number}=value{number}")).collect();
    fs::write(file.path(), lines.join("\n")).unwrap();
    rmap(&server, ["load", "big", file.path().to_str().unwrap()]).done();
    let count: u64 = cmd("HLEN").arg("map:big:content").query(&mut server.connection()).unwrap();
    assert_eq!(count, 25_002);
    assert_eq!(field(&server, "big", "key24999").unwrap(), b"value24999");
    // One batch has 1,000 entries, and its script proves its right before it writes.
    assert_eq!(calls(&mut server.connection(), "hset"), 2 * 25);
}

/// Alone they fit, together they would not.
#[test]
fn long_values_go_alone() {
    let server = Server::start();
    let long = "x".repeat(6 << 20);
    let lines = ["a", "b", "c"].map(|key| format!("{key}={long}")).join("\n");
    with_input(&server, ["load", "big", "-"], lines.as_bytes()).done();
    for key in ["a", "b", "c"] {
        assert_eq!(field(&server, "big", key).unwrap().len(), long.len());
    }
}

#[test]
fn a_bad_line_is_named_and_changes_nothing() {
    let server = Server::start();
    let line = with_input(&server, ["load", "big", "-"], b"a=1\n\nb\n").fails(2);
    assert_eq!(line, "rmap: -, line 3: not KEY=VALUE\n");
    let line = with_input(&server, ["load", "big", "-"], b"a=1\n=2\n").fails(2);
    assert_eq!(line, "rmap: -, line 2: key is empty\n");
    let line =
        with_input(&server, ["load", "big", "-", "--json"], b"{\"key\":\"a=b\",\"value\":\"\"}").fails(2);
    assert!(line.starts_with("rmap: -, line 1: key \"a=b\" contains '='"), "{line}");
    for (json, problem) in [
        (&b"{}\r\n\r\n"[..], "line 1: neither 'key' nor 'key_hex'"),
        (b"\r\nx", "line 2: expected value at column 1"),
        (b"{\"key_hex\":1}", "line 1: invalid type: integer `1`, expected a string at column 12"),
    ] {
        let line = with_input(&server, ["load", "big", "-", "--json"], json).fails(2);
        assert_eq!(line, format!("rmap: -, {problem}\n"));
    }
    rmap(&server, ["load", "big", "/does/not/exist"]).fails(2);
    assert_eq!(field(&server, "big", "a"), None);
}

#[test]
fn nothing_to_load_is_done_at_once() {
    let server = Server::start();
    let out = with_input(&server, ["load", "big", "-"], b"").text();
    assert!(out.starts_with("0 entries in ") && out.ends_with("revision none\n"), "{out}");
    run(binary().args(["load", "--redis", "redis://127.0.0.1:1", "big", "-"])).fails(3);
}

#[test]
fn what_list_prints_as_json_is_loaded() {
    let server = Server::start();
    let (key, value) = ("-{\"\\\n é", " = \r\n");
    rmap(&server, ["set", "one", key, value]).done();
    rmap(&server, ["set", "--hex", "one", "ff00", "00fe"]).done();
    rmap(&server, ["set", "one", "empty", ""]).done();
    let listed = words(&server, "list one --json").done();
    // Its first line is no KEY=VALUE, so that it is read without `--json`, too.
    for (map, json) in [("two", &["--json"][..]), ("three", &[])] {
        let out = with_input(&server, ["load", map, "-"].iter().chain(json), &listed).text();
        assert!(out.starts_with("3 entries in "), "{out}");
        assert_eq!(field(&server, map, key).unwrap(), value.as_bytes());
        assert_eq!(words(&server, &format!("list {map}")).done(), words(&server, "list one").done());
    }
    let nothing = words(&server, "list none --json").done();
    assert!(
        with_input(&server, ["load", "two", "-", "--json"], &nothing).text().starts_with("0 entries in ")
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_key() {
    let server = Server::start();
    with_input(&server, ["load", "big", "-"], b"\xef\xbb\xbfa=1\r\nb=2\r\n").done();
    with_input(&server, ["load", "big", "-", "--json"], b"\xef\xbb\xbf{\"key\":\"c\",\"value\":\"3\"}")
        .done();
    assert_eq!(words(&server, "list big").text(), "a\t1\nb\t2\nc\t3\n");
    let line = with_input(&server, ["load", "big", "-"], b"\xff\xfed\0=\x001\0\n\0").fails(2);
    assert_eq!(line, "rmap: -, line 1: the file is UTF-16, not UTF-8\n");
}

#[test]
fn blanks_around_the_equals_sign_are_refused() {
    let server = Server::start();
    for (line, problem) in [
        ("k = v", "blanks between the key and '='"),
        ("k= v", "blanks between '=' and the value"),
        ("\tk=v", "blanks before the key"),
        ("sky\tblue=1", "the key has a control character at byte 3"),
    ] {
        let text = format!("a=1\r\n{line}\r\n");
        let refusal = with_input(&server, ["load", "big", "-"], text.as_bytes()).fails(2);
        assert_eq!(refusal, format!("rmap: -, line 2: {problem}; use --json if that is meant\n"));
    }
    assert_eq!(field(&server, "big", "a"), None);
}
