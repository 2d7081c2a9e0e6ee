//! The first question on a new connection: PING.
//!
//! A server in a special state refuses PING although it takes nearly everything else. That must not keep anybody from
//! connecting: reads go on there, and every write gets the refusal as its own answer.

use rmap_proto::error_code::Server;
use rmap_proto::{ErrorCode, ServerError};

/// What the answer to a PING says of a connection that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// PING may be sent again.
    Welcome,
    /// PING may not be sent: the user lacks the right, or the server has no such command.
    WithoutPing,
}

/// Says whether a connection on which PING was answered like this can be used; the error is why not.
pub(super) fn greeting(answer: Result<(), ServerError>) -> Result<Greeting, ServerError> {
    let Err(error) = answer else { return Ok(Greeting::Welcome) };
    let code = error.known();
    // A script runs too long, or the server cannot save: PING is refused as long as that lasts.
    if code.is_some_and(|code| code.server() == Server::Limited) {
        return Ok(Greeting::Welcome);
    }
    let no_command = error.code == "ERR" && error.message.starts_with("unknown command");
    if code == Some(ErrorCode::NoPermission) || no_command {
        return Ok(Greeting::WithoutPing);
    }
    // It loads, it has no master, nobody is logged in, or it is full: nothing that a map needs would be answered.
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
