//! The outcome of a write.

use std::fmt;

use crate::Error;

/// Outcome of a write that ended with an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a write has these four outcomes, for good")]
pub enum Outcome {
    /// The server carried out the write; something failed afterwards.
    Committed,
    /// The condition of the write did not hold, so nothing changed.
    NotApplied,
    /// Nothing changed: the input was bad, the map was closed, the request was not sent, or the server refused it.
    Rejected,
    /// The write may have been carried out, once. A write is never repeated.
    Indeterminate,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Committed => "committed",
            Self::NotApplied => "not applied",
            Self::Rejected => "rejected",
            Self::Indeterminate => "indeterminate",
        })
    }
}

impl Error {
    /// Returns the outcome of the write; `None` for errors that no write has, such as those of connecting, joining,
    /// waiting and reading.
    ///
    /// Bad input, a closed map and a request that was not sent are [`Outcome::Rejected`], whatever was called.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::{Client, Error, Outcome};
    /// use rmap_client::transport::Cause;
    ///
    /// let map = Client::in_memory().map("flags").join().await?;
    /// if let Err(error) = map.set("dark-mode", "on").await {
    ///     match error.outcome() {
    ///         Some(Outcome::Committed) => println!("done, but: {error}"),
    ///         Some(Outcome::Indeterminate) => match error {
    ///             Error::Indeterminate { cause: Cause::TimedOut { .. }, .. } => println!("the server is slow"),
    ///             error => println!("look before you retry: {error}"),
    ///         },
    ///         Some(Outcome::NotApplied | Outcome::Rejected) | None => println!("nothing changed: {error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::NotVisible { .. } => Some(Outcome::Committed),
            Self::NotApplied { .. } | Self::Contended { .. } => Some(Outcome::NotApplied),
            // Neither did nothing change, nor was all of it carried out.
            Self::Indeterminate { .. } | Self::PartlyDone { .. } => Some(Outcome::Indeterminate),
            Self::InvalidName { .. }
            | Self::InvalidKey { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::NotEncoded { .. }
            | Self::InvalidTtl { .. }
            | Self::NoTests { .. }
            | Self::TooManySteps { .. }
            | Self::BatchTooLarge { .. }
            | Self::ReadsTooMuch { .. }
            | Self::Closed { .. }
            | Self::WrongType { .. }
            | Self::NotAList { .. }
            | Self::ListTooLong { .. }
            | Self::NotAnInteger { .. }
            | Self::Overflow { .. }
            | Self::CorruptRevision { .. }
            | Self::RevisionsExhausted { .. }
            | Self::Rejected { .. }
            | Self::NotSent { .. } => Some(Outcome::Rejected),
            #[cfg(feature = "fred")]
            Self::Connect { .. } => None,
            Self::ServerTooOld { .. }
            | Self::MissingRights { .. }
            | Self::NotJoined { .. }
            | Self::JoinTimeout { .. }
            | Self::HistoryBroken { .. }
            | Self::Kept { .. }
            | Self::Store { .. }
            | Self::Stale { .. }
            | Self::NotVerified { .. }
            | Self::SyncTimeout { .. } => None,
        }
    }
}

impl Error {
    /// True when the input of the call is at fault: a name, a key, a value or a batch that is never allowed. The same call
    /// fails again whatever the server does, and nothing was sent.
    ///
    /// A service answers 400 to such an error of its caller, and 503 to other [rejections](Outcome::Rejected).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let server = rmap_client::MemoryServer::new();
    /// # let map = server.client().map("flags").join().await?;
    /// assert!(map.set("dark=mode", "on").await.unwrap_err().is_bad_input());
    ///
    /// server.go_down();
    /// assert!(!map.set("dark-mode", "on").await.unwrap_err().is_bad_input());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn is_bad_input(&self) -> bool {
        match self {
            Self::InvalidName { .. }
            | Self::InvalidKey { .. }
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::NotEncoded { .. }
            | Self::InvalidTtl { .. }
            | Self::NoTests { .. }
            | Self::TooManySteps { .. }
            | Self::BatchTooLarge { .. }
            | Self::ReadsTooMuch { .. } => true,
            // These depend on what the server holds, or on its state.
            Self::NotVisible { .. }
            | Self::NotApplied { .. }
            | Self::Contended { .. }
            | Self::Indeterminate { .. }
            | Self::PartlyDone { .. }
            | Self::Closed { .. }
            | Self::WrongType { .. }
            | Self::NotAList { .. }
            | Self::ListTooLong { .. }
            | Self::NotAnInteger { .. }
            | Self::Overflow { .. }
            | Self::CorruptRevision { .. }
            | Self::RevisionsExhausted { .. }
            | Self::Rejected { .. }
            | Self::NotSent { .. }
            | Self::ServerTooOld { .. }
            | Self::MissingRights { .. }
            | Self::NotJoined { .. }
            | Self::JoinTimeout { .. }
            | Self::HistoryBroken { .. }
            | Self::Kept { .. }
            | Self::Stale { .. }
            | Self::NotVerified { .. }
            | Self::SyncTimeout { .. }
            | Self::Store { .. } => false,
            #[cfg(feature = "fred")]
            Self::Connect { cause } => matches!(cause, crate::transport::redis::ConnectError::InvalidUrl(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rmap_core::{Phase, Reason, ScanProgress};
    use rmap_proto::{InvalidKey, InvalidName, InvalidTtl, Key, MapName, Revision, ServerError};

    use super::Outcome;
    use crate::transport::Cause;
    use crate::{Error, StoreFault};

    const OPERATION: &str = "set";

    fn map() -> MapName {
        MapName::new("flags").unwrap()
    }

    fn key() -> Key {
        Key::new("dark-mode").unwrap()
    }

    fn rejected() -> Vec<Error> {
        let (map, key, operation) = (map(), key(), OPERATION);
        let cause = ServerError::parse("OOM no memory");
        vec![
            Error::InvalidName { cause: InvalidName::Empty },
            Error::InvalidKey { map: map.clone(), cause: InvalidKey::Empty },
            Error::KeyTooLong { map: map.clone(), length: 2, limit: 1 },
            Error::ValueTooLong { map: map.clone(), key: key.clone(), length: 2, limit: 1 },
            Error::InvalidTtl { map: map.clone(), cause: InvalidTtl::Zero },
            Error::NoTests { map: map.clone() },
            Error::TooManySteps { map: map.clone(), count: 2, limit: 1 },
            Error::BatchTooLarge { map: map.clone(), bytes: Some(2), limit: 1 },
            Error::ReadsTooMuch { map: map.clone(), bytes: 2, limit: 1 },
            Error::Closed { map: map.clone() },
            Error::WrongType { map: map.clone() },
            Error::NotAList { map: map.clone(), key: key.clone() },
            Error::ListTooLong { map: map.clone(), key: key.clone() },
            Error::NotAnInteger { map: map.clone(), key: key.clone() },
            Error::Overflow { map: map.clone(), key },
            Error::CorruptRevision { map: map.clone() },
            Error::RevisionsExhausted { map: map.clone() },
            Error::Rejected { map: map.clone(), operation, cause },
            Error::NotSent { map, operation, cause: Cause::Closed },
        ]
    }

    fn of_no_write() -> Vec<Error> {
        let (map, timeout, phase) = (map(), Duration::from_secs(1), Phase::Resyncing);
        vec![
            #[cfg(feature = "fred")]
            Error::Connect { cause: crate::transport::redis::ConnectError::InvalidUrl(String::new()) },
            Error::ServerTooOld { map: map.clone(), version: "6.2".to_owned() },
            Error::MissingRights { map: map.clone(), rights: vec!["+publish".to_owned()] },
            Error::NotJoined { map: map.clone(), cause: Cause::TimedOut { address: None, limit: timeout } },
            Error::JoinTimeout { map: map.clone(), timeout, phase, reason: None, scan: None },
            Error::HistoryBroken { map: map.clone(), revision: Revision::ONE },
            Error::Kept { map: map.clone() },
            Error::Store { map: map.clone(), cause: Box::new(StoreFault::InUse { path: None, pid: None }) },
            Error::Stale { map: map.clone(), staleness: None, bound: timeout, slept: false },
            Error::NotVerified { map: map.clone(), reason: "NOPERM".to_owned() },
            Error::SyncTimeout { map, timeout, phase, reason: Reason::Lagged, late: None },
        ]
    }

    #[test]
    fn every_error_has_its_outcome() {
        let (map, operation) = (map(), OPERATION);
        for error in rejected() {
            assert_eq!(error.outcome(), Some(Outcome::Rejected), "{error:?}");
            // Whatever ended the wait, the write is committed.
            let visible = Error::NotVisible { revision: Revision::ONE, cause: Box::new(error) };
            assert_eq!(visible.outcome(), Some(Outcome::Committed), "{visible:?}");
        }
        for error in of_no_write() {
            assert_eq!(error.outcome(), None, "{error:?}");
        }
        let not_applied = Error::NotApplied { map: map.clone(), operation, revision: None };
        assert_eq!(not_applied.outcome(), Some(Outcome::NotApplied));
        let contended = Error::Contended { map: map.clone(), key: None, tries: 16 };
        assert_eq!(contended.outcome(), Some(Outcome::NotApplied));
        let partly = Error::PartlyDone { done: 1, total: 2, cause: Box::new(contended) };
        assert_eq!(partly.outcome(), Some(Outcome::Indeterminate));
        let unknown = Error::Indeterminate { map, operation, cause: Cause::RuntimeEnded };
        assert_eq!(unknown.outcome(), Some(Outcome::Indeterminate));
    }

    #[test]
    fn every_cause_says_in_words_what_it_is() {
        let limit = Duration::from_secs(5);
        let causes = [
            (
                Cause::TimedOut { address: Some("h:1".to_owned()), limit },
                "the server at h:1 did not reply within 5s",
            ),
            (Cause::TimedOut { address: None, limit }, "the server did not reply within 5s"),
            (Cause::ConnectionLost { reason: "it was cut".to_owned() }, "it was cut"),
            (Cause::NotConnected { reason: "it was cut".to_owned() }, "not connected: it was cut"),
            (Cause::Closed, "the client was closed"),
            (Cause::RuntimeEnded, "the client's runtime has ended"),
            (Cause::UnexpectedReply { problem: "no integer".to_owned() }, "no integer"),
            (Cause::Server(ServerError::parse("ERR no")), "ERR no"),
            (Cause::Other("why not".to_owned()), "why not"),
        ];
        for (cause, text) in causes {
            assert_eq!(cause.to_string(), text);
            let error = Error::Indeterminate { map: map(), operation: OPERATION, cause };
            assert_eq!(error.to_string(), format!("map flags: the outcome of set is unknown: {text}"));
        }
        let outcomes = [Outcome::Committed, Outcome::NotApplied, Outcome::Rejected, Outcome::Indeterminate];
        let words = outcomes.map(|outcome| outcome.to_string());
        assert_eq!(words, ["committed", "not applied", "rejected", "indeterminate"]);
    }

    #[test]
    fn a_batch_that_is_too_large_says_how_large_where_that_is_known() {
        let text = |bytes| Error::BatchTooLarge { map: map(), bytes, limit: 8 }.to_string();
        assert_eq!(
            text(Some(9)),
            "map flags: the batch has 9 bytes of keys, values and items, at most 8 are allowed"
        );
        assert!(text(None).starts_with("map flags: the batch is about more than the 8 bytes"));
    }

    #[test]
    fn a_timeout_of_a_map_says_what_it_was_doing() {
        let timeout = Duration::from_secs(1);
        let [joining, resyncing] = [None, Some(Reason::Lagged)].map(|reason| {
            Error::JoinTimeout { map: map(), timeout, phase: Phase::Resyncing, reason, scan: None }
                .to_string()
        });
        assert_eq!(joining, "map flags is not live after 1s: checking the server");
        assert!(resyncing.starts_with("map flags is not live after 1s: resyncing (messages were dropped"));
        let scan = Some(ScanProgress { read: 3, total: 9 });
        let reason = Some(Reason::Lagged);
        let scanning = Error::JoinTimeout { map: map(), timeout, phase: Phase::Joining, reason, scan };
        assert!(scanning.to_string().ends_with(", with 3 of 9 fields read"), "{scanning}");
    }

    /// A live map that gets no proof would otherwise read as if nothing were wrong.
    #[test]
    fn a_sync_without_a_proof_says_what_is_late() {
        let second = Duration::from_secs(1);
        let error = |late| {
            let (phase, reason) = (Phase::Live, Reason::InStep);
            Error::SyncTimeout { map: map(), timeout: 10 * second, phase, reason, late }.to_string()
        };
        let begin = "map flags: no proof of freshness within 10s: live (in step)";
        assert_eq!(error(Some(9 * second)), format!("{begin}, and an answer has been awaited for 9.0s"));
        assert_eq!(error(None), begin);
    }
}
