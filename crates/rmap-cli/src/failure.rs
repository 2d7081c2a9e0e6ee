//! Why a command did not do what it was asked to, and the exit code that says so.

use std::io;
use std::process::ExitCode;

use rmap_client::Error;
use rmap_client::transport::fred::ConnectError;

pub(crate) const BAD_USAGE: u8 = 2;
const NOT_DONE: u8 = 1;
const SERVER: u8 = 3;

/// Why a command failed. Every text is one line.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A condition did not hold, or there is nothing there. Nothing changed.
    NotDone(String),
    /// The command line asks for something that cannot be. Nothing changed.
    Usage(String),
    /// The server cannot be used, or the outcome is unknown.
    Server(String),
    /// Whoever reads the output has seen enough.
    ReaderGone,
}

impl Failure {
    /// Says on standard error what happened, in one line.
    pub(crate) fn report(&self) -> ExitCode {
        let (code, text) = match self {
            Self::NotDone(text) => (NOT_DONE, text),
            Self::Usage(text) => (BAD_USAGE, text),
            Self::Server(text) => (SERVER, text),
            Self::ReaderGone => return ExitCode::SUCCESS,
        };
        let line: Vec<&str> = text.lines().map(str::trim).collect();
        eprintln!("rmap: {}", line.join(" "));
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::InvalidName { .. }
            | Error::InvalidKey { .. }
            | Error::KeyTooLong { .. }
            | Error::ValueTooLong { .. }
            | Error::InvalidTtl { .. }
            | Error::NoTests { .. }
            | Error::Connect { cause: ConnectError::InvalidUrl(_) } => Self::Usage(text),
            Error::NotApplied { .. }
            | Error::NotAList { .. }
            | Error::NotAnInteger { .. }
            | Error::Overflow { .. }
            | Error::WrongType { .. }
            | Error::CorruptRevision { .. }
            | Error::RevisionsExhausted { .. }
            | Error::Rejected { .. } => Self::NotDone(text),
            Error::Connect { .. }
            | Error::ServerTooOld { .. }
            | Error::MissingRights { .. }
            | Error::JoinTimeout { .. }
            | Error::Closed { .. }
            | Error::NotSent { .. }
            | Error::Indeterminate { .. }
            | Error::HistoryBroken { .. }
            | Error::NotVisible { .. }
            | Error::Stale { .. }
            | Error::SyncTimeout { .. }
            | _ => Self::Server(text),
        }
    }
}

/// Of writing output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::NotDone(format!("the output can't be written: {error}"))
    }
}
