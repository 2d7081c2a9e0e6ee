//! `verify`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};

use redis::{Connection, cmd, pipe};
use rmap_testing::Server;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{Run, binary_for, revision, words};

const HASH: &str = "map:colors:content";

/// A `verify` that follows its map until it is told to compare.
struct Following {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Following {
    fn start(server: &Server, args: &[&str]) -> Self {
        let mut command = binary_for(server);
        command.args(["verify", "colors", "--follow", "3600"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        assert_eq!(line, "rmap: following map colors for 3600 s\n");
        Self { child, err }
    }

    fn compare(mut self) -> Run {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        let (mut out, mut err) = (Vec::new(), String::new());
        self.child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        Run { code: self.child.wait().unwrap().code().unwrap(), out, err }
    }
}

fn hset(raw: &mut Connection, field: &str, value: &str) {
    cmd("HSET").arg(HASH).arg(field).arg(value).exec(raw).unwrap();
}

#[test]
fn a_map_and_its_hash_agree() {
    let server = Server::start();
    assert_eq!(words(&server, "verify colors").text(), "0 fields compared at revision none: none differs\n");
    words(&server, "set colors sky blue").done();
    words(&server, "set colors grass green").done();
    let revision = revision(&server, "colors");
    let text = words(&server, "verify colors").text();
    assert_eq!(text, format!("2 fields compared at revision {revision}: none differs\n"));
    let json: serde_json::Value =
        serde_json::from_str(&words(&server, "verify colors --json").text()).unwrap();
    let revision: u64 = revision.parse().unwrap();
    let expected = json!({"map": "colors", "revision": revision, "compared": 2, "complete": true,
        "differing": [], "resyncs": 0});
    assert_eq!(json, expected);
}

#[test]
fn a_large_map_is_compared_as_a_whole() {
    let server = Server::start();
    let mut fields = pipe();
    for number in 0..3000 {
        fields.cmd("HSET").arg(HASH).arg(format!("key{number}")).arg(number).ignore();
    }
    fields.exec(&mut server.connection()).unwrap();
    assert_eq!(words(&server, "verify colors").text(), "3000 fields compared at revision 0: none differs\n");
}

#[test]
fn what_is_written_past_the_map_makes_a_difference() {
    let server = Server::start();
    let mut raw = server.connection();
    for key in ["sky", "grass", "sand"] {
        words(&server, &format!("set colors {key} blue")).done();
    }
    let revision = revision(&server, "colors");

    let following = Following::start(&server, &[]);
    hset(&mut raw, "sky", "grey");
    let run = following.compare();
    assert_eq!((run.code, run.err.as_str()), (1, "rmap: map colors differs\n"));
    let text = String::from_utf8(run.out).unwrap();
    let summary = format!("3 fields compared at revision {revision}: 1 differs\n");
    assert_eq!(text, format!("other value\tsky\n{summary}"));

    let following = Following::start(&server, &["--json"]);
    // In one step: a probe in between would see another number of fields.
    let mut swap = pipe();
    swap.atomic().hdel(HASH, "grass").ignore().hset(HASH, b"\xff", "red").ignore();
    swap.exec(&mut raw).unwrap();
    let run = following.compare();
    assert_eq!(run.code, 1, "{}", run.err);
    let json: serde_json::Value = serde_json::from_slice(&run.out).unwrap();
    let expected = json!([{"key": "grass", "how": "extra"}, {"key_hex": "ff", "how": "missing"}]);
    assert_eq!((&json["differing"], &json["compared"]), (&expected, &json!(3)));
}

#[test]
fn a_hash_that_may_not_be_read_is_code_3() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let following = Following::start(&server, &[]);
    cmd("ACL").arg(&["SETUSER", "default", "-hscan"]).exec(&mut server.connection()).unwrap();
    let run = following.compare();
    assert_eq!((run.code, run.out), (3, Vec::new()));
    assert!(run.err.starts_with("rmap: map colors cannot be verified: the server refuses: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn a_server_that_is_gone_is_code_3() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let following = Following::start(&server, &["--timeout", "1"]);
    drop(server);
    let run = following.compare();
    assert_eq!((run.code, run.out), (3, Vec::new()));
    assert!(run.err.starts_with("rmap: map colors cannot be verified: "), "{}", run.err);
}
