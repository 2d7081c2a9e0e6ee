//! Failed calls.

use std::time::Duration;

use rmap_proto::ServerError;

/// The reason for a missing reply.
#[derive(Debug)]
pub(super) enum CallError {
    /// The server answered with an error.
    Server(ServerError),
    /// The command has not been sent and will not be.
    NotSent(Why),
    /// The server may have carried out the command.
    Indeterminate(Why),
}

/// The reason for a missing answer.
#[derive(Debug)]
pub(super) enum Why {
    /// The connection ended. Its pair has a better reason than this text.
    Ended(String),
    /// No answer came within this time.
    Late(Duration),
    /// The answer is not a valid one.
    Strange(&'static str),
}
