//! Reasons for missing connections, in words that a user can act on, and the comparison that merges reasons of one
//! cause.

use std::io;
use std::time::Duration;

use rmap_core::Reason;
use rmap_proto::ServerError;

use super::error::{ConnectError, describe_io, is_end};
use super::server::Server;

/// The end of a pair of connections. It does not say which connection was lost first: a server that ends closes both,
/// and one cause would read in two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    /// The other end closed a connection.
    Closed,
    /// Nothing came for this time, although an answer was due.
    Silent(Duration),
    /// The error of the operating system, or of the library.
    Failed(String),
    /// The received bytes are malformed.
    Garbled(String),
    /// The server reports that it is not a master.
    NoMaster(ServerError),
    /// A sentinel names another master.
    Moved(Server),
    /// A map requested another pair.
    Replaced(Reason),
}

/// A time without connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outage {
    cause: OutageKind,
    pub(super) reason: String,
}

/// The cause, apart from its wording.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OutageKind {
    Closed,
    Silent,
    Other(String),
}

impl Loss {
    /// A failure of the subscriber connection's socket.
    pub(super) fn from_io(error: &io::Error) -> Self {
        if is_end(error.kind()) { Self::Closed } else { Self::Failed(describe_io(error)) }
    }

    /// The reason, with the server's address.
    pub(super) fn at(&self, address: &str) -> Outage {
        let reason = match self {
            Self::Closed => format!("the server at {address} closed the connection"),
            Self::Silent(pause) => {
                format!(
                    "the server at {address} is silent: nothing came for {pause:?} although an answer was due"
                )
            }
            Self::Failed(why) => format!("the connection to {address} failed: {why}"),
            Self::Garbled(what) => format!("the server at {address} sent what cannot be understood: {what}"),
            Self::NoMaster(error) => format!("the server at {address} is no master: {error}"),
            Self::Moved(server) => format!("a sentinel names another master, {server} instead of {address}"),
            Self::Replaced(Reason::NoAnswer) => {
                format!("the server at {address} did not answer a request in time")
            }
            Self::Replaced(why) => format!("the connections to {address} are replaced: {why}"),
        };
        let cause = match self {
            Self::Closed => OutageKind::Closed,
            Self::Silent(_) | Self::Replaced(Reason::NoAnswer) => OutageKind::Silent,
            Self::Failed(_) | Self::Garbled(_) | Self::NoMaster(_) | Self::Moved(_) | Self::Replaced(_) => {
                OutageKind::Other(reason.clone())
            }
        };
        Outage { cause, reason }
    }
}

impl Outage {
    /// The next pair could not be made.
    pub(super) fn of(error: &ConnectError) -> Self {
        let reason = error.to_string();
        let cause = if error.is_closed() {
            OutageKind::Closed
        } else if error.is_silent() {
            OutageKind::Silent
        } else {
            OutageKind::Other(reason.clone())
        };
        Self { cause, reason }
    }

    /// True when both have one cause, so that reporting the second adds nothing.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.cause == other.cause
    }
}
