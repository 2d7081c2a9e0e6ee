//! The reasons for a missing answer.

use std::fmt;
use std::time::Duration;

use rmap_proto::ServerError;

/// The reason why a request was not sent, or why its outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The server did not answer in time.
    TimedOut {
        /// The server's address, if it is known.
        address: Option<String>,
        /// The time limit.
        limit: Duration,
    },
    /// The connection was lost, or given up, while the request was in flight.
    ConnectionLost {
        /// The reason, with the server's address.
        reason: String,
    },
    /// There is no connection.
    NotConnected {
        /// The reason for the missing connection.
        reason: String,
    },
    /// The client was closed.
    Closed,
    /// The client's tokio runtime has ended.
    RuntimeEnded,
    /// The server answered with something that does not fit the request.
    UnexpectedReply {
        /// The part that does not fit.
        problem: String,
    },
    /// The server answered with an error that does not prove that nothing changed.
    Server(ServerError),
    /// Any other reason of a transport.
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
