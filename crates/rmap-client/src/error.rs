//! What can go wrong, in one enum.

mod during;
mod outcome;

use std::time::Duration;

use rmap_core::{Phase, Reason, ScanProgress};
use rmap_proto::{InvalidKey, InvalidName, InvalidTtl, Key, MapName, Revision, ServerError};

pub(crate) use self::during::During;
pub use self::outcome::Outcome;
use crate::transport::Cause;
#[cfg(feature = "fred")]
use crate::transport::redis::ConnectError;

/// What can go wrong.
///
/// Every message is complete in one line: causes are part of it, so [`source`](std::error::Error::source) is `None`.
///
/// What became of a write, [`outcome`](Self::outcome) says; why nothing more is known, the [`Cause`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The map's name is not allowed.
    #[error("{cause}")]
    InvalidName {
        /// What is wrong with it, and where.
        cause: InvalidName,
    },
    /// A key is not allowed.
    #[error("map {map}: {cause}")]
    InvalidKey {
        /// The map.
        map: MapName,
        /// What is wrong with it, and where.
        cause: InvalidKey,
    },
    /// A key is too long for a notification.
    #[error("map {map}: key has {length} bytes, at most {limit} are allowed")]
    KeyTooLong {
        /// The map.
        map: MapName,
        /// Its length in bytes.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A value, or the items of a list operation together, are too long for a notification.
    #[error("map {map}: the value for key {key} has {length} bytes, at most {limit} are allowed")]
    ValueTooLong {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
        /// Its length in bytes.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The time to live is not allowed.
    #[error("map {map}: {cause}")]
    InvalidTtl {
        /// The map.
        map: MapName,
        /// What is wrong with it.
        cause: InvalidTtl,
    },
    /// `test_and_reset` without any pair of key and value, which would clear the map unconditionally.
    #[error("map {map}: test_and_reset has no pairs to test")]
    NoTests {
        /// The map.
        map: MapName,
    },
    /// A batch has too many steps or preconditions, or `test_and_reset` too many tests.
    #[error("map {map}: {count} steps, preconditions or tests, at most {limit} are allowed")]
    TooManySteps {
        /// The map.
        map: MapName,
        /// How many it has.
        count: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A batch has, or would change, too many bytes of keys and values, or its list operations would read and write
    /// more than eight lists may have.
    #[error("map {map}: {}", too_large_text(*.bytes, *.limit))]
    BatchTooLarge {
        /// The map.
        map: MapName,
        /// How many bytes it has; `None`: the server found what it would change to be too much.
        bytes: Option<usize>,
        /// What is allowed.
        limit: usize,
    },
    /// The keys of a batch, or of `test_and_reset`, hold more than one script should read: the server serves nobody else
    /// meanwhile. The sizes are those of the local copy.
    #[error("map {map}: the keys hold {bytes} bytes, of which one write may read {limit}")]
    ReadsTooMuch {
        /// The map.
        map: MapName,
        /// How many bytes they hold.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// No connection could be made.
    #[cfg(feature = "fred")]
    #[error("{cause}")]
    Connect {
        /// Why.
        cause: ConnectError,
    },
    /// The server is older than Redis 7.0.
    #[error("map {map} cannot be joined: the server is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// The map.
        map: MapName,
        /// What the server says of itself.
        version: String,
    },
    /// The user lacks rights that the map needs.
    #[error("map {map} cannot be joined: the user lacks {}", .rights.join(" "))]
    MissingRights {
        /// The map.
        map: MapName,
        /// Each the way an ACL rule would grant it, for example `+publish` or `&map:flags:sync:*`.
        rights: Vec<String>,
    },
    /// The server could not be asked whether the map can be joined. A join changes nothing.
    #[error("map {map} cannot be joined: {cause}")]
    NotJoined {
        /// The map.
        map: MapName,
        /// Why.
        cause: Cause,
    },
    /// The map did not become live, and nothing went on for the time it was given.
    #[error("map {map} is not live after {timeout:?}: {}{}", waiting_text(*.phase, .reason.as_ref()), scan_text(*.scan))]
    JoinTimeout {
        /// The map.
        map: MapName,
        /// The time it was given, from its last progress on.
        timeout: Duration,
        /// What it was doing.
        phase: Phase,
        /// Why; `None`: the server was still asked whether the map can be joined.
        reason: Option<Reason>,
        /// How many fields of a large map had been read, where the time was over during its scan.
        scan: Option<ScanProgress>,
    },
    /// The map, or its client, is closed.
    #[error("map {map} is closed")]
    Closed {
        /// The map.
        map: MapName,
    },
    /// The Redis key of the map holds something that is not a hash. Nothing changed.
    #[error("map {map}: the key map:{map}:content does not hold a hash")]
    WrongType {
        /// The map.
        map: MapName,
    },
    /// The value is not a list of strings. Nothing changed.
    #[error("map {map}: the value of key {key} is not a list of strings")]
    NotAList {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
    },
    /// The list would have more items or bytes than the [settings](crate::MapSettings) allow, or more were given. Nothing changed.
    #[error(
        "map {map}: the list of key {key} would have more items or bytes than are allowed (100,000 and 1 MiB unless set)"
    )]
    ListTooLong {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
    },
    /// The value is not a signed 64-bit integer. Nothing changed.
    #[error("map {map}: the value of key {key} is not an integer")]
    NotAnInteger {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
    },
    /// The sum does not fit a signed 64-bit integer. Nothing changed.
    #[error("map {map}: the sum for key {key} overflows a signed 64-bit integer")]
    Overflow {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
    },
    /// The reserved field `=rev` of the hash is corrupt. Nothing changed.
    #[error("map {map}: the field =rev is corrupt")]
    CorruptRevision {
        /// The map.
        map: MapName,
    },
    /// No further revision is possible. Nothing changed.
    #[error("map {map}: its revisions are exhausted")]
    RevisionsExhausted {
        /// The map.
        map: MapName,
    },
    /// The server refused the request. Nothing changed.
    #[error("map {map}: {operation} was rejected by the server: {cause}")]
    Rejected {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// What the server said.
        cause: ServerError,
    },
    /// The request was not sent. Nothing changed.
    #[error("map {map}: {operation} was not sent: {cause}")]
    NotSent {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// Why.
        cause: Cause,
    },
    /// The write may or may not have been carried out: no answer, or one that proves nothing. It is never repeated.
    #[error("map {map}: the outcome of {operation} is unknown: {cause}")]
    Indeterminate {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// Why.
        cause: Cause,
    },
    /// The condition of a write did not hold; from [`Attempt::require`](crate::Attempt::require).
    #[error("map {map}: {operation} was not applied")]
    NotApplied {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// The revision at which this was decided; `None`: there is no hash.
        revision: Option<Revision>,
    },
    /// The revision is not in the history of the current content: the hash expired, was deleted or rewound meanwhile, the
    /// server lost the write, or nobody has made it yet.
    #[error("map {map}: revision {revision} is not in the history of the map any more")]
    HistoryBroken {
        /// The map.
        map: MapName,
        /// The revision that was waited for.
        revision: Revision,
    },
    /// A write was committed, but the wait until it is visible here failed.
    #[error("committed at revision {revision}, but not visible here: {cause}")]
    NotVisible {
        /// The revision that the write made.
        revision: Revision,
        /// Why the wait failed.
        cause: Box<Self>,
    },
    /// The content is not proven to be as fresh as was asked for.
    #[error("map {map} may be stale: {}, asked for at most {bound:?}", staleness_text(*.staleness, *.slept))]
    Stale {
        /// The map.
        map: MapName,
        /// How old the last proof of freshness is; `None`: there was none yet.
        staleness: Option<Duration>,
        /// What was asked for.
        bound: Duration,
        /// True when the computer has slept since that proof, or its clock has jumped: then the proof does not count.
        slept: bool,
    },
    /// The server refused to let the hash be read, from [`Map::verify`](crate::Map::verify).
    #[error("map {map} cannot be verified: {reason}")]
    NotVerified {
        /// The map.
        map: MapName,
        /// Why.
        reason: String,
    },
    /// The server could not prove in time that the content is current.
    #[error(
        "map {map}: no proof of freshness within {timeout:?}: {}{}",
        waiting_text(*.phase, Some(.reason)),
        late_text(*.late)
    )]
    SyncTimeout {
        /// The map.
        map: MapName,
        /// The time it was given.
        timeout: Duration,
        /// What the map was doing.
        phase: Phase,
        /// Why.
        reason: Reason,
        /// How long an answer has been awaited that is late; `None`: none is.
        late: Option<Duration>,
    },
}

fn too_large_text(bytes: Option<usize>, limit: usize) -> String {
    bytes.map_or_else(
        || {
            format!(
                "the batch is about more than the {limit} bytes of keys and values that are allowed, or reads and writes too much of lists"
            )
        },
        |bytes| format!("the batch has {bytes} bytes of keys, values and items, at most {limit} are allowed"),
    )
}

fn staleness_text(staleness: Option<Duration>, slept: bool) -> String {
    let since = if slept { " and not since the computer slept" } else { "" };
    staleness.map_or_else(
        || "never proven fresh".to_owned(),
        |staleness| format!("proven fresh {staleness:.1?} ago{since}"),
    )
}

fn scan_text(scan: Option<ScanProgress>) -> String {
    scan.map_or_else(String::new, |scan| format!(", with {} of {} fields read", scan.read, scan.total))
}

/// Why there is no proof although the map is live.
fn late_text(late: Option<Duration>) -> String {
    late.map_or_else(String::new, |late| format!(", and an answer has been awaited for {late:.1?}"))
}

fn waiting_text(phase: Phase, reason: Option<&Reason>) -> String {
    reason.map_or_else(|| "checking the server".to_owned(), |reason| format!("{phase} ({reason})"))
}
