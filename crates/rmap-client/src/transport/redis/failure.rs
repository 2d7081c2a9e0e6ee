//! Why a call has no answer.

use std::time::Duration;

use rmap_proto::ServerError;

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum CallError {
    /// The server answered with an error.
    Server(ServerError),
    /// The command has not been sent and will not be.
    NotSent(Why),
    /// The command may have been carried out or not.
    Indeterminate(Why),
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Why {
    /// The connection ended; the pair that it belongs to knows better why than this text.
    Ended(String),
    /// Not within this time.
    Late(Duration),
    /// The answer is none.
    Strange(&'static str),
}
