//! What can be wrong with names, keys, payloads, replies, and writes.

use bytes::Bytes;
use thiserror::Error;

/// Why a map name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The name has no characters.
    #[error("map name is empty")]
    Empty,
    /// The name has more than [`MAX_NAME_CHARS`](crate::MAX_NAME_CHARS) characters.
    #[error("map name has {chars} characters, at most 512 are allowed")]
    TooLong {
        /// How many characters it has.
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

/// Why a key is refused.
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

/// A text or a number that is not a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a revision: it is a whole number below 10^14, in decimal without leading zeros")]
#[non_exhaustive]
pub struct InvalidRevision;

/// Why a notification payload cannot be read: which part, and at which offset.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("undecodable notification: {problem} in {part} at byte {offset}")]
pub struct DecodeError {
    /// The part of the payload in which the fault lies.
    pub part: Part,
    /// Offset from the start of the payload.
    pub offset: usize,
    /// What is wrong there.
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

/// What is wrong with a part of a notification payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The word before the colon is none of `set`, `del`, `reset`, `destroy`.
    #[error("unknown kind")]
    UnknownKind,
    /// The payload ends before the part does.
    #[error("{missing} bytes missing")]
    Truncated {
        /// How many bytes are missing at least.
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

/// A reply of the server that does not have the shape that the request promises.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unexpected reply to {request}: {problem}")]
pub struct ReplyError {
    /// The script or command that was called.
    pub request: &'static str,
    /// What is wrong with the reply.
    pub problem: String,
}

/// What the arguments follow in the error for a command that a server does not know.
const REPEATED_ARGUMENTS: &str = ", with args beginning with:";

/// An error reply of the server, split into its code (the first word) and the rest.
///
/// What it proves about execution is told by [`WriteError::from_server`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code} {message}")]
pub struct ServerError {
    /// The first word, for example `NOPERM`.
    pub code: String,
    /// Everything after the first word.
    pub message: String,
}

impl ServerError {
    /// Splits the text of an error reply, without its leading `-`.
    ///
    /// Where a server does not know a command it repeats the arguments. They are left out, since there may be a value or
    /// a password among them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.split_once(REPEATED_ARGUMENTS).map_or(text, |(text, _)| text);
        let (code, message) = text.split_once(' ').unwrap_or((text, ""));
        Self { code: code.to_owned(), message: message.to_owned() }
    }
}

/// Why a time to live is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTtl {
    /// It is zero.
    #[error("time to live is zero")]
    Zero,
    /// It is longer than 2^53 milliseconds.
    #[error("time to live is longer than 2^53 milliseconds")]
    TooLong,
}

/// Why a write changed nothing, or may have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The value is not a list of strings, so a list operation cannot change it. Nothing changed.
    #[error("the value is not a list of strings")]
    NotAList,
    /// The list would be longer than its [`Limit`](crate::list::Limit), it is longer than
    /// [`list::MAX_BYTES`](crate::list::MAX_BYTES), or more items were given than a list may have. Nothing changed.
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
    /// The next revision would reach the limit that Go peers can read. Nothing changed.
    #[error("the map's revisions are exhausted")]
    RevisionsExhausted,
    /// The Redis key of the map holds something that is not a hash. Nothing changed.
    #[error("the map's key does not hold a hash")]
    WrongType,
    /// `test_and_reset` without any pair. Nothing changed.
    #[error("no pairs to test")]
    NoTests,
    /// A batch would change more than [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES), or its list steps would read and write
    /// more than eight lists may have. Nothing changed.
    #[error(
        "the batch changes more than 16 MiB, or its list steps read and write more than eight lists may have"
    )]
    BatchTooLong,
    /// A batch has more than [`MAX_BATCH_STEPS`](crate::MAX_BATCH_STEPS) steps or preconditions. Nothing changed.
    #[error("the batch has {count} steps or preconditions, at most 2500 are allowed")]
    BatchTooLarge {
        /// How many it has.
        count: usize,
    },
    /// A step of a batch failed. Nothing changed.
    #[error("step {step} of the batch: {cause}")]
    Step {
        /// Which step, from 0 on.
        step: usize,
        /// Why.
        cause: Box<Self>,
    },
    /// The server refused. Nothing changed.
    #[error("rejected by the server: {0}")]
    Rejected(ServerError),
    /// The server failed in a way that does not prove that nothing changed.
    #[error("outcome unknown: {0}")]
    Indeterminate(ServerError),
}

/// Codes with which the server refuses a request, or the first write of a script, before anything ran.
const REFUSALS: &[&str] = &[
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "NOREPLICAS",
    "MASTERDOWN",
    "NOPERM",
    "BUSY",
    "MISCONF",
    "LOADING",
    "CLUSTERDOWN",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "CROSSSLOT",
];

/// `SCRIPT KILL` only works on a script that has not written yet.
const KILLED: &str = "Script killed by user";

impl WriteError {
    /// Says what an error reply proves about a write: that nothing changed, and why, or nothing at all.
    ///
    /// Proof are the codes that our scripts return themselves and those of the server that it only gives before
    /// anything ran. Any other error is [`WriteError::Indeterminate`].
    #[must_use]
    pub fn from_server(error: ServerError) -> Self {
        if let Some(verdict) = Self::verdict(&error.code) {
            return verdict;
        }
        match error.code.as_str() {
            "RMAPREVISION" => Self::CorruptRevision,
            "RMAPEXHAUSTED" => Self::RevisionsExhausted,
            "RMAPREFUSED" => match ServerError::parse(&error.message) {
                cause if cause.code == "WRONGTYPE" => Self::WrongType,
                cause => Self::Rejected(cause),
            },
            "RMAPBATCH" => Self::BatchTooLong,
            "RMAPSTEP" => Self::step(error),
            "RMAPPARTIAL" => Self::Indeterminate(error),
            "WRONGTYPE" => Self::WrongType,
            code if REFUSALS.contains(&code) => Self::Rejected(error),
            _ if error.message.contains(KILLED) => Self::Rejected(error),
            _ => Self::Indeterminate(error),
        }
    }

    /// The failure of a step, which follows its number, from 1 on.
    fn step(error: ServerError) -> Self {
        let inner = ServerError::parse(&error.message);
        match (inner.code.parse::<usize>(), Self::verdict(&inner.message)) {
            (Ok(number @ 1..), Some(cause)) => Self::Step { step: number - 1, cause: Box::new(cause) },
            _ => Self::Indeterminate(error),
        }
    }

    /// What a script of ours says of a value.
    fn verdict(text: &str) -> Option<Self> {
        Some(match ServerError::parse(text).code.as_str() {
            "RMAPNOTALIST" => Self::NotAList,
            "RMAPTOOLONG" => Self::ListTooLong,
            "RMAPINTEGER" => Self::NotAnInteger,
            "RMAPOVERFLOW" => Self::Overflow,
            _ => return None,
        })
    }
}
