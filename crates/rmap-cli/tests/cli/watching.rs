//! `watch`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use redis::cmd;
use rmap_testing::{Server, eventually};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{binary_for, revision, rmap, words};

/// A `watch` that is known to watch.
struct Watch {
    child: Child,
    out: BufReader<ChildStdout>,
    err: Receiver<String>,
}

impl Watch {
    fn start(server: &Server, args: &[&str]) -> Self {
        let mut command = binary_for(server);
        command.arg("watch").args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (told, err) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        let out = BufReader::new(child.stdout.take().unwrap());
        let watch = Self { child, out, err };
        let line = watch.notice();
        assert!(line.starts_with("rmap: watching map "), "{line}");
        watch
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// The next line on standard error.
    fn notice(&self) -> String {
        self.err.recv_timeout(Duration::from_secs(60)).expect("the watch says something")
    }

    fn ends_with(mut self, code: i32) {
        assert_eq!(self.line(), "", "no further line");
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn every_change_is_a_line() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let mut watch = Watch::start(&server, &["colors", "--count", "4"]);
    rmap(&server, ["set", "colors", "sky", "gr\"ey"]).done();
    let first = revision(&server, "colors");
    rmap(&server, ["set", "colors", "new\n", ""]).done();
    words(&server, "delete colors sky").done();
    words(&server, "reset colors --yes").done();
    assert_eq!(watch.line(), format!("{first} \"sky\" \"blue\" -> \"gr\\\"ey\"\n"));
    assert!(watch.line().ends_with(" \"new\\n\" none -> \"\"\n"));
    assert!(watch.line().ends_with(" \"sky\" \"gr\\\"ey\" -> none\n"));
    assert!(watch.line().ends_with(" \"new\\n\" \"\" -> none\n"));
    watch.ends_with(0);
}

#[test]
fn json_loses_nothing() {
    let server = Server::start();
    let mut watch = Watch::start(&server, &["colors", "--json", "--count", "2"]);
    words(&server, "set --hex colors ff 00ff").done();
    let first: u64 = revision(&server, "colors").parse().unwrap();
    words(&server, "set --hex colors ff 61").done();
    let lines =
        [watch.line(), watch.line()].map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
    let expected = [
        serde_json::json!({"revision": first, "key_hex": "ff", "old": null, "new_hex": "00ff"}),
        serde_json::json!({"revision": first + 1, "key_hex": "ff", "old_hex": "00ff", "new": "a"}),
    ];
    assert_eq!(lines, expected);
    watch.ends_with(0);
}

#[test]
fn a_lost_connection_is_told() {
    let server = Server::start();
    let mut watch = Watch::start(&server, &["colors", "--count", "1"]);
    cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).exec(&mut server.connection()).unwrap();
    let lost = watch.notice();
    let reason = format!("the server at 127.0.0.1:{} closed the connection", server.port());
    assert_eq!(lost, format!("rmap: map colors is disconnected ({reason})"));
    assert_eq!(watch.notice(), "rmap: map colors is live again");
    words(&server, "set colors sky blue").done();
    assert!(watch.line().ends_with(" \"sky\" none -> \"blue\"\n"));
    watch.ends_with(0);
}

/// The first reason is that the connection ended; why it does not come back is the one that a user can act on.
#[test]
fn each_reason_of_an_outage_is_told() {
    let server = Server::start();
    let mut watch = Watch::start(&server, &["colors", "--count", "1"]);
    let mut connection = server.connection();
    cmd("CONFIG").arg(&["SET", "requirepass", "secret"]).exec(&mut connection).unwrap();
    cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).exec(&mut connection).unwrap();
    let mut last = watch.notice();
    assert!(last.starts_with("rmap: map colors is disconnected ("), "{last}");
    while !last.contains("credentials") {
        let next = watch.notice();
        assert!(next.starts_with("rmap: map colors is ") && next != last, "{last}{next}");
        last = next;
    }
    cmd("CONFIG").arg(&["SET", "requirepass", ""]).exec(&mut connection).unwrap();
    while last != "rmap: map colors is live again" {
        last = watch.notice();
    }
    words(&server, "set colors sky blue").done();
    assert!(watch.line().ends_with(" \"sky\" none -> \"blue\"\n"));
    watch.ends_with(0);
}

#[test]
fn a_map_that_is_deleted_behind_the_scenes_is_told() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let mut watch = Watch::start(&server, &["colors", "--count", "1"]);
    cmd("DEL").arg("map:colors:content").exec(&mut server.connection()).unwrap();
    assert_eq!(watch.line(), "none \"sky\" \"blue\" -> none\n");
    watch.ends_with(0);
}

#[test]
fn an_interrupt_ends_it_well() {
    let server = Server::start();
    let mut watch = Watch::start(&server, &["colors"]);
    words(&server, "set colors sky blue").done();
    assert!(watch.line().ends_with(" \"sky\" none -> \"blue\"\n"));
    kill_process(Pid::from_child(&watch.child), Signal::INT).unwrap();
    watch.ends_with(0);
}

#[test]
fn it_survives_a_server_that_goes_away_for_a_while() {
    let server = Server::builder().persistent().start();
    words(&server, "set colors sky blue").done();
    let mut watch = Watch::start(&server, &["colors", "--count", "1"]);
    server.restart();
    words(&server, "set colors sky grey").done();
    assert!(watch.line().ends_with(" \"sky\" \"blue\" -> \"grey\"\n"));
    watch.ends_with(0);
}

#[test]
fn a_reader_that_goes_away_ends_it_well() {
    let server = Server::start();
    let Watch { mut child, out, err: _err } = Watch::start(&server, &["colors"]);
    drop(out);
    let mut number = 0;
    eventually("the watch notices that nobody reads", || {
        number += 1;
        words(&server, &format!("set colors sky {number}")).done();
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
