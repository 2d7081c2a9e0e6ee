//! Decides whether the failure of a group is the failure of each of its writes.

use rmap_proto::WriteError;
use rmap_proto::error_code::Meets;

use super::super::TransportError;

/// True when every write of a group gets the group's failure.
///
/// False when it is proved that nothing ran and a write alone might succeed: in a full memory a delete still works, a
/// user without the right to HDEL may still set, and a write whose condition does not hold writes nothing at all.
/// NOSCRIPT and TRYAGAIN remain when the group could not be sent again because one of its callers has gone away.
pub(super) fn is_of_each(error: &TransportError) -> bool {
    match error {
        TransportError::NotSent(_) | TransportError::Indeterminate(_) => true,
        TransportError::Authority(WriteError::Rejected(error)) => {
            error.known().is_some_and(|code| code.meets() == Meets::Every)
        }
        TransportError::Authority(WriteError::RevisionsExhausted) => false,
        TransportError::Authority(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use rmap_proto::ServerError;

    use super::super::super::Cause;
    use super::*;

    fn authority(text: &str) -> TransportError {
        TransportError::Authority(WriteError::from_server(ServerError::parse(text)))
    }

    #[test]
    fn a_failure_that_any_script_meets_goes_to_all() {
        for text in [
            "READONLY You can't write against a read only replica.",
            "RMAPREFUSED READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down",
            "BUSY Redis is busy running a script.",
            "LOADING Redis is loading the dataset in memory",
            "ERR Error running script: Script killed by user with SCRIPT KILL",
            "WRONGTYPE Operation against a key",
            "RMAPREVISION the =rev field",
        ] {
            assert!(is_of_each(&authority(text)), "{text}");
        }
    }

    #[test]
    fn a_failure_that_a_write_alone_may_escape_does_not() {
        for text in [
            "OOM command not allowed",
            "RMAPREFUSED OOM command not allowed",
            "RMAPREFUSED NOPERM the user may not run hdel",
            "RMAPREFUSED ERR The user executing the script can't run this command or subcommand",
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots",
            "RMAPEXHAUSTED the last revision could reach 10^14",
            "NOSCRIPT No matching script.",
        ] {
            assert!(!is_of_each(&authority(text)), "{text}");
        }
    }

    /// Without a proof that nothing ran, no write may be sent again.
    #[test]
    fn a_failure_that_proves_nothing_goes_to_all() {
        for text in ["RMAPPARTIAL ERR no", "ERR Error running script", "UNKNOWN"] {
            assert!(is_of_each(&authority(text)), "{text}");
        }
        assert!(is_of_each(&TransportError::Indeterminate(Cause::RuntimeEnded)));
        assert!(is_of_each(&TransportError::NotSent(Cause::Closed)));
    }
}
