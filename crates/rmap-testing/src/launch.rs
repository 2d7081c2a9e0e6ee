//! Starting the server's program, as a server or as a sentinel.

use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::Process;

/// Names another server program, for example `valkey-server`.
const PROGRAM_VARIABLE: &str = "RMAP_TEST_SERVER";

/// Generous, since only a failing test spends it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The result of an attempt to start.
pub(crate) enum Attempt {
    Ready(Process),
    PortTaken,
}

/// The program that servers run: `redis-server`, or the value of `RMAP_TEST_SERVER`.
#[must_use]
pub fn server_program() -> String {
    env::var(PROGRAM_VARIABLE).unwrap_or_else(|_| "redis-server".to_owned())
}

/// Starts the program and waits until its log reports that it is ready.
///
/// # Panics
///
/// When the program is not installed or does not get ready.
pub(crate) fn launch(arguments: &[String], log: &Path, ready: &str) -> Attempt {
    let mut process = spawn(arguments, log);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        if text.contains(ready) {
            return Attempt::Ready(process);
        }
        if let Some(status) = process.try_wait() {
            assert!(text.contains("Address already in use"), "the server ended with {status}: {text}");
            return Attempt::PortTaken;
        }
        assert!(Instant::now() < deadline, "the server does not get ready: {text}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn spawn(arguments: &[String], log: &Path) -> Process {
    let program = server_program();
    // Every start needs an empty log, because the log shows when this process is ready.
    let log = File::create(log).expect("a log file");
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).stdout(log);
    Process::spawn(&mut command).unwrap_or_else(|error| {
        assert!(
            error.kind() != ErrorKind::NotFound,
            "{program} was not found: install it (Debian: apt-get install redis-server) or name another server in \
             {PROGRAM_VARIABLE}"
        );
        panic!("{program} can't be started: {error}")
    })
}
