//! The first question on a new connection: PING.
//!
//! A server in a special state refuses PING although it accepts nearly everything else. A client must still be able
//! to connect: reads work there, and every write gets the refusal as its own answer.

use rmap_proto::error_code::Server;
use rmap_proto::{ErrorCode, ServerError};

/// The answer to a PING on a usable connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// PING may be sent again.
    Welcome,
    /// PING may not be sent: the user lacks the right, or the server has no such command.
    WithoutPing,
}

/// Decides whether a connection with this answer to PING is usable.
pub(super) fn greeting(answer: Result<(), ServerError>) -> Result<Greeting, ServerError> {
    let Err(error) = answer else { return Ok(Greeting::Welcome) };
    let code = error.known();
    // A script runs too long, or the server cannot save. PING is refused until that ends.
    if code.is_some_and(|code| code.server() == Server::Limited) {
        return Ok(Greeting::Welcome);
    }
    let no_command = error.code == "ERR" && error.message.starts_with("unknown command");
    if code == Some(ErrorCode::NoPermission) || no_command {
        return Ok(Greeting::WithoutPing);
    }
    // The server is loading, has no master, needs a login, or is full: it would answer no request of a map.
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_ping_says_whether_the_rest_will_be_refused_too() {
        let judge = |text| greeting(Err(ServerError::parse(text)));
        assert_eq!(greeting(Ok(())), Ok(Greeting::Welcome));
        for usable in ["BUSY Redis is busy running a script", "MISCONF Redis is configured to save"] {
            assert_eq!(judge(usable), Ok(Greeting::Welcome), "{usable}");
        }
        for silent in ["NOPERM no permissions to run the 'ping' command", "ERR unknown command 'PING'"] {
            assert_eq!(judge(silent), Ok(Greeting::WithoutPing), "{silent}");
        }
        for unusable in [
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down",
            "NOAUTH Authentication required.",
            "ERR max number of clients reached",
            "DENIED Redis is running in protected mode",
        ] {
            assert_eq!(judge(unusable), Err(ServerError::parse(unusable)));
        }
    }
}
