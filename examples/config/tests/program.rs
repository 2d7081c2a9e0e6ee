//! The program on a real server.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::fs;
use std::path::Path;
use std::process::Stdio;

use rmap_testing::{Server, must_end};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

fn program(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-config"));
    command.arg("--redis").arg(server.url()).kill_on_drop(true);
    command
}

/// Runs a command to its end: whether it succeeded, and what it printed.
async fn run(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = must_end(program(server).args(arguments).output()).await.unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn serve(server: &Server) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = program(server).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    must_end(lines.next_line()).await.unwrap().unwrap()
}

fn write(path: &Path, pool: &str) {
    let shops: String = (0..4_998).map(|n| format!("shop/{n:04}/rate-limit = 100\n")).collect();
    fs::write(path, format!("# the pool\n{pool}\n{shops}")).unwrap();
}

#[tokio::test]
async fn processes_follow_what_is_pushed_through_a_restart_of_the_server() {
    let server = Server::builder().persistent().start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.conf");
    let file = path.to_str().unwrap();
    write(&path, "pool/size = 8\npool/idle-ms = 500");
    let pushed = (true, "push 1: 5000 set, 0 deleted, 0 unchanged\n".to_owned());
    assert_eq!(run(&server, &["push", file]).await, pushed);

    let (mut child, mut lines) = serve(&server);
    assert_eq!(line(&mut lines).await, "pool: 8 workers, idle for 500 ms");
    write(&path, "pool/size = 16\npool/idle-ms = 900");
    let pushed = (true, "push 2: 2 set, 0 deleted, 4998 unchanged\n".to_owned());
    assert_eq!(run(&server, &["push", file]).await, pushed);
    assert_eq!(line(&mut lines).await, "pool: 16 workers, idle for 900 ms");

    server.restart();
    write(&path, "pool/size = 2");
    let pushed = (true, "push 3: 1 set, 1 deleted, 4998 unchanged\n".to_owned());
    assert_eq!(run(&server, &["push", file]).await, pushed);
    assert_eq!(line(&mut lines).await, "pool: 2 workers, idle for 30000 ms");
    assert_eq!(run(&server, &["show", "pool/"]).await, (true, "pool/size = 2\n".to_owned()));

    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(must_end(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_bad_file_and_a_server_that_is_away_are_named() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.conf");
    write(&path, "pool/size = none");
    let (done, why) = run(&server, &["push", path.to_str().unwrap()]).await;
    assert!(!done, "a bad file is pushed");
    assert_eq!(why, format!("{}: line 2: pool/size: `none` is no number above 0\n", path.display()));
    server.stop();
    write(&path, "pool/size = 1");
    let (done, why) = run(&server, &["push", path.to_str().unwrap()]).await;
    assert!(!done && why.contains("refused"), "{why}");
    let (mut child, mut lines) = serve(&server);
    assert_eq!(line(&mut lines).await, "pool: 4 workers, idle for 30000 ms");
    child.kill().await.unwrap();
}
