//! `get`, `list` and `status`.

use rmap_testing::Server;

use crate::support::{binary, binary_for, revision, rmap, run, words};

#[test]
fn get_prints_the_value_and_nothing_else() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    assert_eq!(words(&server, "get colors sky").done(), b"blue");
    assert_eq!(
        words(&server, "get --hex colors sky").fails(2),
        "rmap: 'sky' is not an even number of hexadecimal digits\n"
    );
    assert_eq!(words(&server, "get --hex colors 736b79").done(), b"626c7565\n");
}

#[test]
fn get_of_a_missing_key_is_code_1() {
    let server = Server::start();
    assert_eq!(words(&server, "get colors sky").fails(1), "rmap: map colors has no key sky\n");
}

#[test]
fn the_environment_names_the_server() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let mut command = binary();
    command.env("RMAP_REDIS_URL", server.url()).args(["get", "colors", "sky"]);
    assert_eq!(run(&mut command).done(), b"blue");
}

#[test]
fn the_password_of_the_environment_is_not_shown() {
    let mut command = binary();
    let help = run(command.env("RMAP_REDIS_URL", "redis://:hunter2@localhost").arg("--help")).text();
    assert!(help.contains("RMAP_REDIS_URL") && !help.contains("hunter2"), "{help}");
}

#[test]
fn list_is_sorted_and_escaped() {
    let server = Server::start();
    assert_eq!(words(&server, "list colors").text(), "");
    words(&server, "set colors sky blue").done();
    words(&server, "set colors grass green").done();
    rmap(&server, ["set", "colors", "tab\t", "line\n\\"]).done();
    assert_eq!(words(&server, "list colors").text(), "grass\tgreen\nsky\tblue\ntab\\t\tline\\n\\\\\n");
}

#[test]
fn list_as_json_has_map_revision_and_entries() {
    let server = Server::start();
    let parse = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let empty = parse(words(&server, "list colors --json").text());
    assert_eq!(empty, serde_json::json!({"map": "colors", "revision": null, "entries": []}));
    words(&server, "set colors sky blue").done();
    words(&server, "set colors --hex ff 00").done();
    let revision: u64 = revision(&server, "colors").parse().unwrap();
    let entries = serde_json::json!([{"key": "sky", "value": "blue"}, {"key_hex": "ff", "value": "\u{0}"}]);
    let listed = parse(words(&server, "list colors --json").text());
    assert_eq!(listed, serde_json::json!({"map": "colors", "revision": revision, "entries": entries}));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let server = Server::start();
    let value = "x".repeat(1 << 20);
    run(binary_for(&server).args(["set", "--test-absent"]).args(["big", "a", "x"])).done();
    for key in ["b", "c"] {
        crate::support::with_input(&server, ["set", "--file", "-", "big", key], value.as_bytes()).done();
    }
    for args in [&["list", "big"][..], &["list", "big", "--json"], &["get", "big", "b"]] {
        let mut command = binary_for(&server);
        command.args(args).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{args:?}");
    }
}

#[test]
fn status_tells_phase_revision_and_keys() {
    let server = Server::start();
    let before = words(&server, "status colors").text();
    assert!(before.contains("live") && before.contains("no hash"), "{before}");
    words(&server, "set colors sky blue").done();
    let text = words(&server, "status colors").text();
    assert!(text.contains(&format!("revision {}", revision(&server, "colors"))), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&words(&server, "status colors --json").text()).unwrap();
    assert_eq!(json["map"], "colors");
    assert_eq!(json["phase"], "live");
    assert_eq!(json["keys"], 1);
    assert_eq!(json["revision"].to_string(), revision(&server, "colors"));
    assert_eq!(json["failover_detection"], true);
    assert!(json["staleness_seconds"].is_f64());
}
