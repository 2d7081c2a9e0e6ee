//! `demo`, shorter than its users see it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Run, binary, run};

const ROWS: [&str; 9] = [
    "replicas",
    "writes",
    "notifications",
    "changes that streams yielded",
    "write until seen elsewhere",
    "cut until right again",
    "reads per second, one thread",
    "faults",
    "keys that differ",
];

fn assert_good(run: Run) {
    assert_eq!(run.code, 0, "{}", run.err);
    let table = String::from_utf8(run.out).unwrap();
    let rows: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
    let names: Vec<&str> = rows.iter().filter_map(|line| line.get(..32)).map(str::trim_end).collect();
    assert_eq!(names, ROWS, "{table}");
    let differing = rows.last().unwrap();
    assert!(differing.contains(" 0 of ") && !differing.contains(" 0 of 0"), "{table}");
    assert!(table.lines().last().unwrap().starts_with("PASSED: "), "{table}");
    // A replica that is still without a connection can't lose one.
    assert!(run.err.contains("cut 2 subscriber connections"), "{}", run.err);
    assert_eq!(run.err.matches("subscriber connections").count(), 4, "{}", run.err);
}

#[test]
fn replicas_agree_with_a_private_server() {
    let run = run(binary().args(["demo", "--seconds", "3", "--replicas", "2"]));
    assert!(String::from_utf8_lossy(&run.out).contains("a private "), "{run:?}");
    assert_good(run);
}

#[test]
fn without_a_server_it_runs_in_memory_and_says_so() {
    let run = run(binary().args(["demo", "--seconds", "2", "--replicas", "2"]).env("PATH", ""));
    assert!(run.err.contains("in-memory") && run.err.contains("PATH"), "{run:?}");
    assert_good(run);
}

/// Its standard error is closed by then, too.
#[test]
fn told_to_end_it_leaves_no_server_behind() {
    let mut command = binary();
    let folder = tempfile::tempdir().unwrap();
    command.arg("demo").env("TMPDIR", folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("join a map on a private ")));
    drop(lines);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the server's folder is left");
}
