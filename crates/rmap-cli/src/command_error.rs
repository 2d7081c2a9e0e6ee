//! Failures of a command, and their exit codes.

use std::io;
use std::process::ExitCode;

use rmap_client::Error;
use rmap_client::transport::redis::ConnectError;

use crate::notice::notice;

pub(crate) const BAD_USAGE: u8 = 2;
const NOT_DONE: u8 = 1;
const SERVER: u8 = 3;

/// A failure of a command. Every text is one line.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// A condition did not hold, or there is nothing there. Nothing changed.
    NotDone(String),
    /// The command line asks for something that cannot be. Nothing changed.
    Usage(String),
    /// The server cannot be used or refuses, or the outcome is unknown or could not be printed.
    Server(String),
    /// The reader of the output has closed it.
    ReaderGone,
}

impl CommandError {
    /// Says on standard error what happened, in one line.
    pub(crate) fn report(&self) -> ExitCode {
        let (code, text) = self.code_and_text();
        if !text.is_empty() {
            let line: Vec<&str> = text.lines().map(str::trim).collect();
            notice(&format!("rmap: {}", line.join(" ")));
        }
        ExitCode::from(code)
    }

    /// The same, with what had been done before.
    pub(crate) fn after(self, done: &str) -> Self {
        match self {
            Self::NotDone(text) => Self::NotDone(format!("{text} ({done})")),
            Self::Usage(text) => Self::Usage(format!("{text} ({done})")),
            Self::Server(text) => Self::Server(format!("{text} ({done})")),
            Self::ReaderGone => self,
        }
    }

    fn code_and_text(&self) -> (u8, &str) {
        match self {
            Self::NotDone(text) => (NOT_DONE, text),
            Self::Usage(text) => (BAD_USAGE, text),
            Self::Server(text) => (SERVER, text),
            Self::ReaderGone => (0, ""),
        }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::InvalidName { .. }
            | Error::InvalidKey { .. }
            | Error::KeyTooLong { .. }
            | Error::ValueTooLong { .. }
            | Error::NotEncoded { .. }
            | Error::InvalidTtl { .. }
            | Error::NoTests { .. }
            | Error::TooManySteps { .. }
            | Error::BatchTooLarge { .. }
            | Error::ReadsTooMuch { .. }
            | Error::ListTooLong { .. }
            | Error::Connect { cause: ConnectError::InvalidUrl(_) } => Self::Usage(text),
            Error::NotApplied { .. }
            | Error::Contended { .. }
            | Error::NotAList { .. }
            | Error::NotAnInteger { .. }
            | Error::Overflow { .. } => Self::NotDone(text),
            Error::WrongType { .. }
            | Error::CorruptRevision { .. }
            | Error::RevisionsExhausted { .. }
            | Error::Rejected { .. }
            | Error::Connect { .. }
            | Error::ServerTooOld { .. }
            | Error::MissingRights { .. }
            | Error::NotJoined { .. }
            | Error::JoinTimeout { .. }
            | Error::Closed { .. }
            | Error::NotSent { .. }
            | Error::Indeterminate { .. }
            | Error::HistoryBroken { .. }
            | Error::NotVisible { .. }
            | Error::PartlyDone { .. }
            | Error::Kept { .. }
            | Error::Store { .. }
            | Error::Stale { .. }
            | Error::NotVerified { .. }
            | Error::SyncTimeout { .. } => Self::Server(text),
            _ => Self::Server(text),
        }
    }
}

/// Output could not be written.
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Self::Server(format!("the output can't be written: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rmap_client::transport::Cause;
    use rmap_client::{InvalidName, Key, MapName, Phase, ServerError};

    use super::*;

    fn code(error: Error) -> u8 {
        CommandError::from(error).code_and_text().0
    }

    #[test]
    fn exit_codes_tell_what_the_caller_can_do() {
        let (map, key) = (MapName::new("m").unwrap(), Key::new("k").unwrap());
        let operation = "inc";
        assert_eq!(code(Error::NotApplied { map: map.clone(), operation, revision: None }), 1);
        assert_eq!(code(Error::NotAnInteger { map: map.clone(), key }), 1);
        assert_eq!(code(Error::InvalidName { cause: InvalidName::Empty }), 2);
        assert_eq!(code(Error::Connect { cause: ConnectError::InvalidUrl(String::new()) }), 2);
        let unreachable = ConnectError::Unreachable { address: String::new(), reason: String::new() };
        assert_eq!(code(Error::Connect { cause: unreachable }), 3);
        assert_eq!(code(Error::NotSent { map: map.clone(), operation, cause: Cause::Closed }), 3);
        assert_eq!(code(Error::Indeterminate { map: map.clone(), operation, cause: Cause::RuntimeEnded }), 3);
        let cause = ServerError::parse("OOM command not allowed");
        assert_eq!(code(Error::Rejected { map: map.clone(), operation, cause }), 3);
        let timeout = Duration::from_secs(1);
        assert_eq!(
            code(Error::JoinTimeout { map, timeout, phase: Phase::Joining, reason: None, scan: None }),
            3
        );
        assert_eq!(CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe)).code_and_text(), (0, ""));
        assert_eq!(CommandError::from(io::Error::from(io::ErrorKind::StorageFull)).code_and_text().0, 3);
    }
}
