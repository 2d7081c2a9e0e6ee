//! Typed errors for invalid names and keys, undecodable payloads and replies, and failed writes.

use bytes::Bytes;
use thiserror::Error;

use crate::error_code::ErrorCode;

/// The reason why a map name is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The name has no characters.
    #[error("map name is empty")]
    Empty,
    /// The name has more than [`MAX_NAME_CHARS`](crate::MAX_NAME_CHARS) characters.
    #[error("map name has {chars} characters, at most 512 are allowed")]
    TooLong {
        /// Number of characters found.
        chars: usize,
    },
    /// The name contains a space, NUL, `*`, `?`, `[` or `]`.
    #[error("map name has the forbidden character '{}' at byte {offset}", .byte.escape_ascii())]
    Forbidden {
        /// The forbidden byte.
        byte: u8,
        /// Its offset in the name.
        offset: usize,
    },
}

/// The map can have no sidecar keys, and hence no leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a map with '}}' at byte {offset} of its name and no hash tag cannot have leases: no sidecar key is in its cluster slot"
)]
#[non_exhaustive]
pub struct NoSidecars {
    /// Offset of the first `}` in the name.
    pub offset: usize,
}

/// The reason why a key is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The key has no bytes.
    #[error("key is empty")]
    Empty,
    /// The key contains a `=`, which marks reserved fields.
    #[error("key \"{}\" contains '=' at byte {offset}", .key.escape_ascii())]
    EqualsSign {
        /// The key.
        key: Bytes,
        /// Offset of the first `=`.
        offset: usize,
    },
}

/// The text or number is not a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a revision: it is a whole number below 10^14, in decimal without leading zeros")]
#[non_exhaustive]
pub struct InvalidRevision;

/// A notification payload cannot be decoded: the part, the offset and the problem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("undecodable notification: {problem} in {part} at byte {offset}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The part of the payload that is wrong.
    pub part: Part,
    /// Offset from the start of the payload.
    pub offset: usize,
    /// The fault at this offset.
    pub problem: Problem,
}

/// A part of a notification payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The word before the first colon.
    Kind,
    /// The key of a `set` or `del`.
    Key,
    /// The value of a `set`.
    Value,
    /// The decimal revision.
    Revision,
    /// The fields after the revision that begin with the bytes `RM`.
    Extension,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind",
            Self::Key => "key",
            Self::Value => "value",
            Self::Revision => "revision",
            Self::Extension => "extension",
        })
    }
}

/// The fault in a part of a notification payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The word before the colon is none of `set`, `del`, `reset`, `destroy`.
    #[error("unknown kind")]
    UnknownKind,
    /// The payload ends before the part does.
    #[error("{missing} bytes missing")]
    Truncated {
        /// Smallest number of bytes that are missing.
        missing: usize,
    },
    /// The key has no bytes.
    #[error("no bytes")]
    Empty,
    /// The revision is not canonical decimal below the limit.
    #[error("no canonical revision")]
    NotARevision,
    /// A known extension field has a length other than its own.
    #[error("wrong length {length}")]
    WrongLength {
        /// The length found.
        length: usize,
    },
    /// A known extension field occurs twice.
    #[error("repeated field")]
    Repeated,
}

/// The server's reply does not have the shape that the request promises.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unexpected reply to {request}: {problem}")]
#[non_exhaustive]
pub struct ReplyError {
    /// The script or command that was called.
    pub request: &'static str,
    /// The difference from the expected shape.
    pub problem: String,
}

/// Redis repeats the arguments of an unknown command after this text.
const REPEATED_ARGUMENTS: &str = ", with args beginning with:";

/// An error reply of the server, split into its code (the first word) and the rest.
///
/// [`WriteError::from_server`] decides whether the error proves that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code} {message}")]
#[non_exhaustive]
pub struct ServerError {
    /// The first word, for example `NOPERM`.
    pub code: String,
    /// Everything after the first word.
    pub message: String,
}

impl ServerError {
    /// Splits the text of an error reply, without its leading `-`.
    ///
    /// The arguments that Redis repeats for an unknown command are dropped, because a value or a password may be among
    /// them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.split_once(REPEATED_ARGUMENTS).map_or(text, |(text, _)| text);
        let (code, message) = text.split_once(' ').unwrap_or((text, ""));
        Self { code: code.to_owned(), message: message.to_owned() }
    }

    /// The error's code in the table of codes. `None` for a code that rmap does not know, and that proves nothing.
    #[must_use]
    pub fn known(&self) -> Option<ErrorCode> {
        ErrorCode::of(&self.code, &self.message)
    }
}

/// The reason why a time to live is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTtl {
    /// The duration is zero.
    #[error("time to live is zero")]
    Zero,
    /// The duration is longer than 2^53 milliseconds.
    #[error("time to live is longer than 2^53 milliseconds")]
    TooLong,
}

/// The reason why an expiry is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidExpiry {
    /// The duration is shorter than a second.
    #[error("expiry is shorter than a second")]
    TooShort,
    /// The duration is longer than 10^12 milliseconds.
    #[error("expiry is longer than 10^12 milliseconds")]
    TooLong,
}

/// The reason why a write failed. Every variant except [`Indeterminate`](Self::Indeterminate) proves that nothing
/// changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The value is not a list of strings, so a list operation cannot change it. Nothing changed.
    #[error("the value is not a list of strings")]
    NotAList,
    /// The list is or would become too long: longer than its [`Limit`](crate::list::Limit) or than
    /// [`list::MAX_BYTES`](crate::list::MAX_BYTES). More items than a list may have count as well. Nothing changed.
    #[error("the list would have more items or bytes than a list may have")]
    ListTooLong,
    /// The value is not a signed 64-bit integer by the rule of `HINCRBY`. Nothing changed.
    #[error("the value is not an integer")]
    NotAnInteger,
    /// The sum does not fit a signed 64-bit integer. Nothing changed.
    #[error("the sum overflows a signed 64-bit integer")]
    Overflow,
    /// The reserved field `=rev` is not canonical decimal below the limit. Nothing changed.
    #[error("the map's =rev field is corrupt")]
    CorruptRevision,
    /// The next revision would exceed the largest revision that Go peers can read. Nothing changed.
    #[error("the map's revisions are exhausted")]
    RevisionsExhausted,
    /// The Redis key of the map holds something that is not a hash, or a sidecar key something that is no sidecar.
    /// Nothing changed.
    #[error("the map's key does not hold a hash")]
    WrongType,
    /// `test_and_reset` was called without any pair. Nothing changed.
    #[error("no pairs to test")]
    NoTests,
    /// A batch would change more than [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES), or its list steps would read and write
    /// more than eight lists may have. `test_and_reset` has the first limit for its tests. Nothing changed.
    #[error(
        "the batch changes more than 16 MiB, or its list steps read and write more than eight lists may have"
    )]
    BatchTooLarge,
    /// A batch has more than [`MAX_BATCH_STEPS`](crate::MAX_BATCH_STEPS) steps or preconditions, or `test_and_reset` more
    /// tests. Nothing changed.
    #[error("{count} steps, preconditions or tests, at most 2500 are allowed")]
    TooManySteps {
        /// Number of steps, preconditions or tests, the largest of them.
        count: usize,
    },
    /// The map can have no leases because of its name. Nothing changed.
    #[error(transparent)]
    NoSidecars(#[from] NoSidecars),
    /// The value has more than [`MAX_LEASED_BYTES`](crate::MAX_LEASED_BYTES), so no lease can guard it. Nothing changed.
    #[error("a value with a lease has at most 64 KiB, not {length} bytes")]
    LeasedValueTooLong {
        /// Number of bytes of the value.
        length: usize,
    },
    /// A request concerns no lease, or more than [`MAX_LEASES_AT_ONCE`](crate::MAX_LEASES_AT_ONCE). Nothing changed.
    #[error("{count} leases, from 1 to 100 are allowed")]
    TooManyLeases {
        /// Number of leases.
        count: usize,
    },
    /// A step of a batch failed. Nothing changed.
    #[error("step {step} of the batch: {cause}")]
    Step {
        /// Index of the step, counted from 0.
        step: usize,
        /// The failure of this step.
        cause: Box<Self>,
    },
    /// The server rejected the write before it ran. Nothing changed.
    #[error("rejected by the server: {0}")]
    Rejected(ServerError),
    /// The server reported a failure that does not prove that nothing changed.
    #[error("outcome unknown: {0}")]
    Indeterminate(ServerError),
}

impl WriteError {
    /// Classifies an error reply by what it proves about the write.
    ///
    /// [`ErrorCode`] is the table of codes. Two kinds of codes prove that nothing changed: those that our own scripts
    /// return, and those that the server returns only before anything ran. Every other error is
    /// [`WriteError::Indeterminate`].
    ///
    /// ```
    /// use rmap_proto::{ServerError, WriteError};
    ///
    /// let failed = |text| WriteError::from_server(ServerError::parse(text));
    /// assert_eq!(failed("RMAPINTEGER the value is not an integer"), WriteError::NotAnInteger);
    /// assert!(matches!(failed("READONLY You can't write against a read only replica."), WriteError::Rejected(_)));
    /// assert!(matches!(failed("ERR something new"), WriteError::Indeterminate(_)));
    /// ```
    #[must_use]
    pub fn from_server(error: ServerError) -> Self {
        let Some(code) = error.known() else { return Self::Indeterminate(error) };
        match code {
            ErrorCode::CorruptRevision => Self::CorruptRevision,
            ErrorCode::RevisionsExhausted => Self::RevisionsExhausted,
            ErrorCode::NotAnInteger => Self::NotAnInteger,
            ErrorCode::Overflow => Self::Overflow,
            ErrorCode::NotAList => Self::NotAList,
            ErrorCode::ListTooLong => Self::ListTooLong,
            ErrorCode::BatchTooLarge => Self::BatchTooLarge,
            ErrorCode::Step => Self::step(error),
            ErrorCode::Refused => match ServerError::parse(&error.message) {
                cause if cause.known() == Some(ErrorCode::WrongType) => Self::WrongType,
                cause => Self::Rejected(cause),
            },
            ErrorCode::WrongType => Self::WrongType,
            ErrorCode::NoScript
            | ErrorCode::OutOfMemory
            | ErrorCode::NoReplicas
            | ErrorCode::Misconfigured
            | ErrorCode::Busy
            | ErrorCode::ReadOnly
            | ErrorCode::MasterDown
            | ErrorCode::Loading
            | ErrorCode::NoPermission
            | ErrorCode::Killed
            | ErrorCode::Moved
            | ErrorCode::Ask
            | ErrorCode::TryAgain
            | ErrorCode::CrossSlot
            | ErrorCode::ClusterDown => Self::Rejected(error),
            ErrorCode::Partial | ErrorCode::NoLogin | ErrorCode::WrongLogin => Self::Indeterminate(error),
        }
    }

    /// Reads the failure of one step. The reply counts steps from 1.
    fn step(error: ServerError) -> Self {
        let inner = ServerError::parse(&error.message);
        match (inner.code.parse::<usize>(), Self::of_value(ServerError::parse(&inner.message))) {
            (Ok(number @ 1..), Some(cause)) => Self::Step { step: number - 1, cause: Box::new(cause) },
            _ => Self::Indeterminate(error),
        }
    }

    /// Reads an error that our scripts return because of the key's value or the operation's arguments.
    pub(crate) fn of_value(error: ServerError) -> Option<Self> {
        let cause = Self::from_server(error);
        let of_value = [Self::NotAList, Self::ListTooLong, Self::NotAnInteger, Self::Overflow];
        of_value.contains(&cause).then_some(cause)
    }
}
