//! The error type of the client.

mod during;
mod outcome;

use std::time::Duration;

use rmap_core::{Phase, Reason, ScanProgress};
use rmap_proto::{InvalidKey, InvalidName, InvalidTtl, Key, MapName, Revision, ServerError};

pub(crate) use self::during::During;
pub use self::outcome::Outcome;
use crate::store::StoreFault;
use crate::transport::Cause;
#[cfg(feature = "fred")]
use crate::transport::redis::ConnectError;

/// Everything that can go wrong.
///
/// Every message is complete in one line: it includes its cause, so [`source`](std::error::Error::source) is `None`.
///
/// [`outcome`](Self::outcome) says what is known of a write; the [`Cause`] says why no more is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The map's name is not allowed.
    #[error("{cause}")]
    InvalidName {
        /// The forbidden part of the name, and its place.
        cause: InvalidName,
    },
    /// A key is not allowed.
    #[error("map {map}: {cause}")]
    InvalidKey {
        /// The map.
        map: MapName,
        /// The forbidden part of the key, and its place.
        cause: InvalidKey,
    },
    /// A key is too long for a notification.
    #[error("map {map}: key has {length} bytes, at most {limit} are allowed")]
    KeyTooLong {
        /// The map.
        map: MapName,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
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
        /// The limit in bytes.
        limit: usize,
    },
    /// The codec of a [typed](crate::TypedMap) handle could not encode a value. Nothing was sent.
    #[error("map {map}: the value for key {key} cannot be encoded: {reason}")]
    NotEncoded {
        /// The map.
        map: MapName,
        /// The key.
        key: Key,
        /// The codec's error.
        reason: String,
    },
    /// The time to live is not allowed.
    #[error("map {map}: {cause}")]
    InvalidTtl {
        /// The map.
        map: MapName,
        /// The reason why it is not allowed.
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
        /// Their number.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A batch has, or would change, too many bytes of keys and values, or its list operations would read and write
    /// more than eight lists may have.
    #[error("map {map}: {}", too_large_text(*.bytes, *.limit))]
    BatchTooLarge {
        /// The map.
        map: MapName,
        /// Bytes of keys and values. `None`: the server found that the batch would change too many.
        bytes: Option<usize>,
        /// The limit in bytes.
        limit: usize,
    },
    /// The keys of a batch, or of `test_and_reset`, hold more bytes than one script should read, because the server
    /// serves nobody else meanwhile. The sizes are those of the local copy.
    #[error("map {map}: the keys hold {bytes} bytes, of which one write may read {limit}")]
    ReadsTooMuch {
        /// The map.
        map: MapName,
        /// Bytes that the keys hold.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No connection could be made.
    #[cfg(feature = "fred")]
    #[error("{cause}")]
    Connect {
        /// The failure of the connection.
        cause: ConnectError,
    },
    /// The server is older than Redis 7.0.
    #[error("map {map} cannot be joined: the server is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// The map.
        map: MapName,
        /// The version that the server reports.
        version: String,
    },
    /// The user lacks rights that the map needs.
    #[error("map {map} cannot be joined: the user lacks {}", .rights.join(" "))]
    MissingRights {
        /// The map.
        map: MapName,
        /// The missing rights, each in the form of an ACL rule, for example `+publish` or `&map:flags:sync:*`.
        rights: Vec<String>,
    },
    /// The server could not be asked whether the map can be joined. A join changes nothing.
    #[error("map {map} cannot be joined: {cause}")]
    NotJoined {
        /// The map.
        map: MapName,
        /// The failure of the check.
        cause: Cause,
    },
    /// The map did not become live, and made no progress for the time it was given.
    #[error("map {map} is not live after {timeout:?}: {}{}", waiting_text(*.phase, .reason.as_ref()), scan_text(*.scan))]
    JoinTimeout {
        /// The map.
        map: MapName,
        /// The timeout, counted from the last progress.
        timeout: Duration,
        /// The phase in which the join stopped.
        phase: Phase,
        /// The reason for that phase. `None`: the server had not answered whether the map can be joined.
        reason: Option<Reason>,
        /// Progress of the scan of a large map that got furthest; `None`: the content was not scanned.
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
    /// The list would have more items or bytes than the [settings](crate::MapSettings::list_items) allow, or the
    /// operation has more. Nothing changed.
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
        /// The server's error.
        cause: ServerError,
    },
    /// The request was not sent. Nothing changed.
    #[error("map {map}: {operation} was not sent: {cause}")]
    NotSent {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// The reason why it was not sent.
        cause: Cause,
    },
    /// The write may or may not have been carried out: the answer is missing, or proves nothing. A write is never
    /// repeated.
    #[error("map {map}: the outcome of {operation} is unknown: {cause}")]
    Indeterminate {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// The reason why the outcome is unknown.
        cause: Cause,
    },
    /// The condition of a write did not hold; from [`Attempt::require`](crate::Attempt::require).
    #[error("map {map}: {operation} was not applied")]
    NotApplied {
        /// The map.
        map: MapName,
        /// The operation.
        operation: &'static str,
        /// The revision at which the server decided. `None`: the server has no hash for the map.
        revision: Option<Revision>,
    },
    /// Others changed the key, or the map, before each try; from [`Map::update`](crate::Map::update) and
    /// [`Map::load_difference`](crate::Map::load_difference).
    #[error("map {map}: {} was changed by others before each of {tries} tries", contended_text(.key.as_ref()))]
    Contended {
        /// The map.
        map: MapName,
        /// The key; `None`: the map as a whole.
        key: Option<Key>,
        /// The number of tries.
        tries: u32,
    },
    /// Some batches of a call were committed before it failed; from [`Map::set_many`](crate::Map::set_many) and
    /// [`Map::load_difference`](crate::Map::load_difference).
    #[error("{done} of {total} changes were committed before this: {cause}")]
    PartlyDone {
        /// The number of committed changes. They are the first ones, in the order of the keys.
        done: usize,
        /// The number of changes to make.
        total: usize,
        /// The failure of the next batch. Its own outcome says what is known of that batch.
        cause: Box<Self>,
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
        /// The failure of the wait.
        cause: Box<Self>,
    },
    /// The server has no hash for the map, and the map [keeps](crate::WhenLost::Keep) its last content: nothing can prove it.
    #[error("map {map}: the server has no hash for it, and the last content is kept")]
    Kept {
        /// The map.
        map: MapName,
    },
    /// Another map uses the same [store](crate::Store).
    #[error("map {map}: {cause}")]
    Store {
        /// The map.
        map: MapName,
        /// The store, and who holds it.
        cause: Box<StoreFault>,
    },
    /// The content is not proven to be as fresh as was asked for.
    #[error("map {map} may be stale: {}, asked for at most {bound:?}", staleness_text(*.staleness, *.slept))]
    Stale {
        /// The map.
        map: MapName,
        /// Time since the last proof of freshness. `None`: there has been no proof.
        staleness: Option<Duration>,
        /// The staleness that was allowed.
        bound: Duration,
        /// True when the computer has slept since the last proof, or its clock has jumped. Such a proof does not
        /// count.
        slept: bool,
    },
    /// The server refused to let the hash be read, from [`Map::verify`](crate::Map::verify).
    #[error("map {map} cannot be verified: {reason}")]
    NotVerified {
        /// The map.
        map: MapName,
        /// The server's reason.
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
        /// The phase of the map.
        phase: Phase,
        /// The reason for that phase.
        reason: Reason,
        /// Time that the map has waited for a late answer. `None`: no answer is late.
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

fn contended_text(key: Option<&Key>) -> String {
    key.map_or_else(|| "it".to_owned(), |key| format!("key {key}"))
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

/// Explains a missing proof while the map is live.
fn late_text(late: Option<Duration>) -> String {
    late.map_or_else(String::new, |late| format!(", and an answer has been awaited for {late:.1?}"))
}

fn waiting_text(phase: Phase, reason: Option<&Reason>) -> String {
    reason.map_or_else(|| "checking the server".to_owned(), |reason| format!("{phase} ({reason})"))
}
