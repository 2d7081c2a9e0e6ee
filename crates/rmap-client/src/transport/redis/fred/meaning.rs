//! Translates fred's errors.

use std::time::Duration;

use ::fred::error::{Error, ErrorKind};
use rmap_proto::ServerError;

use super::super::error::{ConnectError, is_invalid_password};
use super::super::loss::Loss;

/// An error of fred itself, not of a server.
#[derive(Debug)]
pub(in super::super) struct FredError(pub(super) Error);

impl FredError {
    /// Its meaning for a connection that could not be made to `address`, each step within `limit`.
    pub(in super::super) fn connecting(&self, address: String, limit: Duration) -> ConnectError {
        let (error, kind) = (&self.0, self.0.kind());
        // fred passes on the server's text, which may repeat the arguments of AUTH.
        let reason = ServerError::parse(&describe(error)).to_string();
        if is_closed(error) || is_end_of_setup(error) {
            ConnectError::closed(address)
        } else if *kind == ErrorKind::Timeout {
            ConnectError::silent(address, limit)
        } else if *kind == ErrorKind::Auth || is_invalid_password(&reason) {
            ConnectError::Authentication { address, reason }
        } else if *kind == ErrorKind::IO && !error.details().contains("kind: InvalidData") {
            ConnectError::Unreachable { address, reason }
        } else {
            // A server answered, for example with an untrusted certificate.
            ConnectError::Other { address, reason }
        }
    }

    /// Its meaning for an established connection.
    pub(super) fn loss(&self) -> Loss {
        let Self(error) = self;
        if is_closed(error) {
            Loss::Closed
        } else if matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Parse) {
            Loss::Garbled(describe(error))
        } else if *error.kind() == ErrorKind::Canceled {
            Loss::Failed("it was ended on this side".to_owned())
        } else {
            Loss::Failed(describe(error))
        }
    }
}

/// The readable part of an error.
///
/// fred renders errors of the operating system and of TLS for debugging.
pub(super) fn describe(error: &Error) -> String {
    let details = error.details();
    if let Some((_, why)) = details.split_once("InvalidCertificate(") {
        // The wording of rustls itself.
        return format!("invalid peer certificate: {}", why.split(')').next().unwrap_or(why));
    }
    let system =
        details.strip_prefix("Os {").and_then(|rest| rest.split_once("message: \"")?.1.strip_suffix("\" }"));
    let custom =
        details.strip_prefix("Custom {").and_then(|rest| rest.split_once("error: ")?.1.strip_suffix(" }"));
    system.or(custom).map_or(details, |text| text.trim_matches('"')).trim_end_matches('.').to_owned()
}

/// True when the other end has closed a connection. fred keeps only the debug output of the operating system's error.
fn is_closed(error: &Error) -> bool {
    const ENDS: [&str; 6] = [
        "Connection closed",
        "Connection Closed",
        "UnexpectedEof",
        "ConnectionReset",
        "ConnectionAborted",
        "BrokenPipe",
    ];
    *error.kind() == ErrorKind::IO && ENDS.iter().any(|end| error.details().contains(end))
}

/// True when a connection ended during its setup. fred takes the end for an empty answer, and complains that the
/// answer is no text.
fn is_end_of_setup(error: &Error) -> bool {
    *error.kind() == ErrorKind::Protocol && error.details() == "Expected string."
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
        let classify = |kind, text: &'static str| {
            FredError(Error::new(kind, text)).connecting("h:1".to_owned(), Duration::from_secs(1))
        };
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
