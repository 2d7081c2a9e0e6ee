//! Any bytes, in and out.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use rmap_testing::Server;

use crate::support::{field, rmap, with_input, words};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_byte_comes_through_standard_input_and_output() {
    let server = Server::start();
    let all: Vec<u8> = (0..=255).collect();
    with_input(&server, ["set", "--file", "-", "bin", "all"], &all).done();
    assert_eq!(field(&server, "bin", "all").as_ref(), Some(&all));
    assert_eq!(words(&server, "get bin all").done(), all);
}

#[test]
fn a_mebibyte_comes_from_a_file() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let value: Vec<u8> = (0..1 << 20).map(|index: u32| index.to_le_bytes()[1]).collect();
    fs::write(file.path(), &value).unwrap();
    let args = [
        OsStr::new("set"),
        OsStr::new("--file"),
        file.path().as_os_str(),
        OsStr::new("bin"),
        OsStr::new("k"),
    ];
    rmap(&server, args).done();
    assert_eq!(field(&server, "bin", "k").as_ref(), Some(&value));
    assert_eq!(words(&server, "get bin k").done(), value);
}

#[test]
fn an_empty_value_is_a_value() {
    let server = Server::start();
    rmap(&server, ["set", "bin", "empty", ""]).done();
    with_input(&server, ["set", "--file", "-", "bin", "also empty"], b"").done();
    assert_eq!(words(&server, "get bin empty").done(), b"");
    assert_eq!(words(&server, "list bin").text(), "also empty\t\nempty\t\n");
}

#[test]
fn raw_bytes_pass_as_arguments() {
    let server = Server::start();
    let all: Vec<u8> = (1..=255).collect();
    let value = OsStr::from_bytes(&all);
    rmap(&server, [OsStr::new("set"), OsStr::new("bin"), OsStr::from_bytes(b"\xff\xc3"), value]).done();
    assert_eq!(field(&server, "bin", b"\xff\xc3"), Some(all));
    // In the name of a map, too.
    let map = OsStr::from_bytes(b"bin\xff");
    rmap(&server, [OsStr::new("set"), map, OsStr::new("k"), OsStr::new("v")]).done();
    assert_eq!(rmap(&server, [OsStr::new("get"), map, OsStr::new("k")]).done(), b"v");
}

#[test]
fn keys_of_every_byte_but_one_pass_in_hexadecimal() {
    let server = Server::start();
    let key: Vec<u8> = (0..=255).filter(|&byte| byte != b'=').collect();
    let digits = hex(&key);
    rmap(&server, ["set", "--hex", "bin", &digits, "00ff"]).done();
    assert_eq!(field(&server, "bin", &key), Some(vec![0, 255]));
    assert_eq!(rmap(&server, ["get", "--hex", "bin", &digits]).done(), b"00ff\n");
    assert_eq!(rmap(&server, ["set", "--hex", "--test", "00ff", "bin", &digits, "31"]).code, 0);
    assert_eq!(rmap(&server, ["inc", "--hex", "bin", &digits]).done(), b"2\n");
    rmap(&server, ["delete", "--hex", "--test", "32", "bin", &digits]).done();
    assert_eq!(field(&server, "bin", &key), None);
}

#[test]
fn names_may_have_a_tag_and_any_letters() {
    let server = Server::start();
    for name in ["{tenant}:flags", "é/日本"] {
        rmap(&server, ["set", name, "k", "v"]).done();
        assert_eq!(field(&server, name, "k"), Some(b"v".to_vec()));
        assert_eq!(rmap(&server, ["get", name, "k"]).done(), b"v");
    }
}
