//! Why a connection cannot be made, and what fred's errors mean.

use std::io;

use ::fred::error::{Error, ErrorKind};
use rmap_proto::ServerError;

use super::loss;
use super::options::RedisOptions;

const CLOSED: &str = "the other end closed the connection";

const SILENT: &str = "not connected within ";

/// Why [`RedisTransport::connect`](super::RedisTransport::connect) failed.
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
        /// Where it was looked for: a server, all sentinels, or all nodes of a cluster that were given.
        address: String,
        /// What was seen instead, for example that the connection was refused.
        reason: String,
    },
    /// The user or the password is wrong, or missing.
    #[error("the server at {address} refused the credentials: {reason}")]
    Authentication {
        /// The server.
        address: String,
        /// What the server said.
        reason: String,
    },
    /// The server is older than Redis 7.0.
    #[error("the server at {address} is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// The server.
        address: String,
        /// What it says of itself.
        version: String,
    },
    /// Anything else, for example a server that is still loading its data.
    #[error("cannot connect to {address}: {reason}")]
    Other {
        /// The server.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

impl ConnectError {
    /// Classifies what fred reports of a connection that could not be made.
    pub(super) fn from_fred(options: &RedisOptions, error: &Error) -> Self {
        // fred passes on what the server said, which may repeat the arguments of AUTH.
        let reason = ServerError::parse(&describe(error)).to_string();
        let (address, kind) = (options.address(), error.kind());
        if loss::is_closed(error) || is_end_of_setup(error) {
            Self::closed(options)
        } else if *kind == ErrorKind::Timeout {
            Self::Unreachable { address, reason: format!("{SILENT}{:?}", options.step_limit()) }
        } else if *kind == ErrorKind::Auth || is_invalid_password(&reason) {
            Self::Authentication { address, reason }
        } else if *kind == ErrorKind::IO && !error.details().contains("kind: InvalidData") {
            Self::Unreachable { address, reason }
        } else {
            // Something answered, for example with a certificate that is not trusted.
            Self::Other { address, reason }
        }
    }

    /// Classifies what the operating system, TLS or the decoder reports of the subscriber connection.
    pub(super) fn from_io(options: &RedisOptions, error: &io::Error) -> Self {
        let (address, reason) = (options.address(), describe_io(error));
        if loss::is_end(error.kind()) {
            Self::closed(options)
        } else if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::Other) {
            // Something answered, for example with a certificate that is not trusted.
            Self::Other { address, reason }
        } else {
            Self::Unreachable { address, reason }
        }
    }

    /// Classifies what the server says on the subscriber connection.
    pub(super) fn from_server(options: &RedisOptions, error: &ServerError) -> Self {
        let (address, reason) = (options.address(), error.to_string().trim_end_matches('.').to_owned());
        if matches!(error.code.as_str(), "NOAUTH" | "WRONGPASS") || is_invalid_password(&reason) {
            Self::Authentication { address, reason }
        } else {
            Self::Other { address, reason }
        }
    }

    /// It did not succeed in the whole time allowed.
    pub(super) fn silent(options: &RedisOptions) -> Self {
        let limit = options.connect_limit();
        Self::Unreachable { address: options.address(), reason: format!("{SILENT}{limit:?}") }
    }

    /// The other end closed the connection instead of answering.
    fn closed(options: &RedisOptions) -> Self {
        Self::Unreachable { address: options.address(), reason: CLOSED.to_owned() }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason == CLOSED)
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason.starts_with(SILENT))
    }
}

/// The readable part of an error.
///
/// fred renders errors of the operating system and of TLS for debugging.
pub(super) fn describe(error: &Error) -> String {
    let details = error.details();
    if let Some((_, why)) = details.split_once("InvalidCertificate(") {
        // As rustls itself says it.
        return format!("invalid peer certificate: {}", why.split(')').next().unwrap_or(why));
    }
    let system =
        details.strip_prefix("Os {").and_then(|rest| rest.split_once("message: \"")?.1.strip_suffix("\" }"));
    let custom =
        details.strip_prefix("Custom {").and_then(|rest| rest.split_once("error: ")?.1.strip_suffix(" }"));
    system.or(custom).map_or(details, |text| text.trim_matches('"')).trim_end_matches('.').to_owned()
}

/// An error of the operating system without its number.
pub(super) fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.as_str(), |(text, _)| text).to_owned()
}

/// True for what fred makes of a connection that ends while it is set up: it takes the end for an empty answer, and complains
/// that this is no text.
fn is_end_of_setup(error: &Error) -> bool {
    *error.kind() == ErrorKind::Protocol && error.details() == "Expected string."
}

/// Servers said it so before there were users.
fn is_invalid_password(reason: &str) -> bool {
    reason.starts_with("ERR invalid password")
}

/// True for the error with which fred ends a command that the cluster redirected, when it may not follow.
///
/// Only a `MOVED` or `ASK` reply to this very command leads there, so the command did not run.
pub(super) fn is_redirection(error: &Error) -> bool {
    *error.kind() == ErrorKind::Routing && error.details() == "Too many redirections."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_their_message() {
        let refused = Error::new(
            ErrorKind::IO,
            "Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" }",
        );
        assert_eq!(describe(&refused), "Connection refused");
        let unknown = "Custom { kind: Uncategorized, error: \"failed to lookup address information: no\" }";
        let unknown = Error::new(ErrorKind::IO, unknown);
        assert_eq!(describe(&unknown), "failed to lookup address information: no");
        let untrusted = "Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) }";
        let untrusted = Error::new(ErrorKind::IO, untrusted);
        assert_eq!(describe(&untrusted), "invalid peer certificate: UnknownIssuer");
        assert_eq!(describe(&Error::new(ErrorKind::IO, "Connection closed.")), "Connection closed");
        assert_eq!(describe(&Error::new(ErrorKind::Unknown, "ERR a \"b\" c")), "ERR a \"b\" c");
    }

    #[test]
    fn connect_errors_are_classified() {
        let options = RedisOptions::from_url("redis://h:1").unwrap();
        let classify = |kind, text: &'static str| ConnectError::from_fred(&options, &Error::new(kind, text));
        assert!(matches!(classify(ErrorKind::Auth, "WRONGPASS no"), ConnectError::Authentication { .. }));
        assert!(matches!(
            classify(ErrorKind::Unknown, "ERR invalid password"),
            ConnectError::Authentication { .. }
        ));
        assert!(matches!(classify(ErrorKind::Timeout, "x"), ConnectError::Unreachable { .. }));
        assert!(matches!(classify(ErrorKind::Unknown, "LOADING x"), ConnectError::Other { .. }));
        let untrusted = classify(ErrorKind::IO, "Custom { kind: InvalidData, error: x }");
        assert!(matches!(untrusted, ConnectError::Other { .. }));
    }
}
