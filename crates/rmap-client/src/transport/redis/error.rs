//! The failures of connecting.

use std::io;
use std::time::Duration;

use rmap_proto::ServerError;
use rmap_proto::error_code::Server;

const CLOSED: &str = "the other end closed the connection";

const SILENT: &str = "not connected within ";

/// Failure of [`RedisTransport::connect`](super::RedisTransport::connect).
///
/// No message contains a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("invalid server URL: {0}")]
    InvalidUrl(String),
    /// No server answered.
    #[error("no server answered at {address}: {reason}")]
    Unreachable {
        /// The address that was tried: a server, all sentinels, or all given nodes of a cluster.
        address: String,
        /// The failure, for example that the connection was refused.
        reason: String,
    },
    /// The user or the password is wrong, or missing.
    #[error("the server at {address} refused the credentials: {reason}")]
    Authentication {
        /// The server.
        address: String,
        /// The server's error.
        reason: String,
    },
    /// The server is older than Redis 7.0.
    #[error("the server at {address} is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// The server.
        address: String,
        /// The version that the server reports.
        version: String,
    },
    /// Anything else, for example a server that is still loading its data.
    #[error("cannot connect to {address}: {reason}")]
    Other {
        /// The server.
        address: String,
        /// The failure.
        reason: String,
    },
}

impl ConnectError {
    /// Classifies an error that the operating system, TLS or the decoder reports for the subscriber connection.
    pub(super) fn from_io(address: String, error: &io::Error) -> Self {
        let reason = describe_io(error);
        if is_end(error.kind()) {
            Self::closed(address)
        } else if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::Other) {
            // A server answered, for example with an untrusted certificate.
            Self::Other { address, reason }
        } else {
            Self::Unreachable { address, reason }
        }
    }

    /// Classifies an error of the server on the subscriber connection.
    pub(super) fn from_server(address: String, error: &ServerError) -> Self {
        let reason = error.to_string().trim_end_matches('.').to_owned();
        if error.known().is_some_and(|code| code.server() == Server::WantsLogin)
            || is_invalid_password(&reason)
        {
            Self::Authentication { address, reason }
        } else {
            Self::Other { address, reason }
        }
    }

    /// The attempt took longer than the limit.
    pub(super) fn silent(address: String, limit: Duration) -> Self {
        Self::Unreachable { address, reason: format!("{SILENT}{limit:?}") }
    }

    /// The other end closed the connection instead of answering.
    pub(super) fn closed(address: String) -> Self {
        Self::Unreachable { address, reason: CLOSED.to_owned() }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason == CLOSED)
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason.starts_with(SILENT))
    }
}

/// Describes an error of the operating system without its number.
pub(super) fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.as_str(), |(text, _)| text).to_owned()
}

/// The wording of servers from before there were users.
pub(super) fn is_invalid_password(reason: &str) -> bool {
    reason.starts_with("ERR invalid password")
}

/// True when the operating system reports that the other end has closed a connection.
pub(super) const fn is_end(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
