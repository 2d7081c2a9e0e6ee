//! Running the binary.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use redis::cmd;
use rmap_testing::Server;

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Run {
    /// Demands success without a word on standard error; returns standard output.
    #[track_caller]
    pub(crate) fn done(self) -> Vec<u8> {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        self.out
    }

    /// The same for output that is text.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.done()).unwrap()
    }

    /// Demands this exit code and an error of one line; returns the line.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.starts_with("rmap: ") && self.err.ends_with('\n'), "{}", self.err);
        self.err
    }
}

/// The binary, without whatever server the environment names.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmap"));
    command.env_remove("RMAP_REDIS_URL").env_remove("RMAP_LOG").stdin(Stdio::null());
    command
}

/// The binary with this server.
pub(crate) fn binary_for(server: &Server) -> Command {
    let mut command = binary();
    command.arg("--redis").arg(server.url());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Run { code: status.code().unwrap(), out: stdout, err: String::from_utf8(stderr).unwrap() }
}

/// Runs the binary with this server and these arguments.
pub(crate) fn rmap<A: AsRef<OsStr>>(server: &Server, args: impl IntoIterator<Item = A>) -> Run {
    run(binary_for(server).args(args))
}

/// The same with text, split at spaces.
pub(crate) fn words(server: &Server, args: &str) -> Run {
    rmap(server, args.split(' '))
}

/// The same with bytes on standard input.
pub(crate) fn with_input<A: AsRef<OsStr>>(
    server: &Server,
    args: impl IntoIterator<Item = A>,
    input: &[u8],
) -> Run {
    let mut command = binary_for(server);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Run { code: status.code().unwrap(), out: stdout, err: String::from_utf8(stderr).unwrap() }
}

/// What the server holds in a field of a map, past rmap.
pub(crate) fn field(server: &Server, map: &str, field: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let key = format!("map:{map}:content");
    cmd("HGET").arg(key).arg(field.as_ref()).query(&mut server.connection()).unwrap()
}

/// The revision that the server holds.
pub(crate) fn revision(server: &Server, map: &str) -> String {
    String::from_utf8(field(server, map, "=rev").unwrap()).unwrap()
}
