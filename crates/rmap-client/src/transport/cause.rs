//! Why a request has no answer.

use std::fmt;
use std::time::Duration;

use rmap_proto::ServerError;

/// Why a request was not sent, or has no answer that proves what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The server did not answer in time.
    TimedOut {
        /// Where the server is, if that is known.
        address: Option<String>,
        /// The time that it had.
        limit: Duration,
    },
    /// The connection was lost, or given up, while the answer was due.
    ConnectionLost {
        /// How, with the server's address.
        reason: String,
    },
    /// There is no connection.
    NotConnected {
        /// Why there is none.
        reason: String,
    },
    /// The client was closed.
    Closed,
    /// The client's tokio runtime has ended.
    RuntimeEnded,
    /// The server answered with something that the request does not promise.
    UnexpectedReply {
        /// What is wrong with it.
        problem: String,
    },
    /// The server answered with an error that does not prove that nothing was done.
    Server(ServerError),
    /// Anything else that a transport has to say.
    Other(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { address: Some(address), limit } => {
                write!(f, "the server at {address} did not reply within {limit:?}")
            }
            Self::TimedOut { address: None, limit } => write!(f, "the server did not reply within {limit:?}"),
            Self::ConnectionLost { reason } => f.write_str(reason),
            Self::NotConnected { reason } => write!(f, "not connected: {reason}"),
            Self::Closed => f.write_str("the client was closed"),
            Self::RuntimeEnded => f.write_str("the client's runtime has ended"),
            Self::UnexpectedReply { problem } => f.write_str(problem),
            Self::Server(error) => error.fmt(f),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}
