//! A private Redis or Valkey server, gone when it is dropped.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct PrivateServer {
    program: &'static str,
    process: Child,
    port: u16,
    /// Deleted after the process has ended.
    folder: TempDir,
}

impl PrivateServer {
    /// Starts a server; `None` when none is on the PATH.
    pub(super) fn start() -> io::Result<Option<Self>> {
        for program in PROGRAMS {
            if let Some(server) = Self::start_program(program)? {
                return Ok(Some(server));
            }
        }
        Ok(None)
    }

    pub(super) const fn program(&self) -> &'static str {
        self.program
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn start_program(program: &'static str) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let Some(mut server) = Self::spawn(program)? else { return Ok(None) };
            if server.is_ready(deadline)? {
                return Ok(Some(server));
            }
            // Somebody else may have taken the port meanwhile: try another.
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("a private {program} did not get ready")));
            }
        }
    }

    fn spawn(program: &'static str) -> io::Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("rmap-demo-").tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--logfile", "log"]);
        command.arg("--port").arg(port.to_string()).arg("--dir").arg(folder.path());
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(process) => Ok(Some(Self { program, process, port, folder })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io::Error::new(error.kind(), format!("{program} does not start: {error}"))),
        }
    }

    /// Waits until it takes commands; false when it ended or takes too long.
    fn is_ready(&mut self, deadline: Instant) -> io::Result<bool> {
        while Instant::now() < deadline && self.process.try_wait()?.is_none() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            if log.contains("Ready to accept connections") {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(false)
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
