//! The revision of a map.

use std::fmt;
use std::str::FromStr;

use crate::error::InvalidRevision;

/// The number that orders all changes of a map. It rises by exactly 1 with every notification within one life of the
/// hash.
///
/// When rmap creates a hash, the first revision is the server's clock in milliseconds. When a Go peer creates it, the
/// first revision is 1. A hash with fields but without `=rev` reads as revision 0. All revisions are below
/// [`Revision::LIMIT`].
///
/// ```
/// use rmap_proto::Revision;
///
/// let revision = Revision::new(7).expect("below the limit");
/// assert!(revision.next().expect("below the limit").follows(revision));
/// assert_eq!(Revision::parse(b"007"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a hash that has fields but no `=rev`.
    pub const ZERO: Self = Self(0);

    /// The first revision of a hash that a Go peer creates.
    pub const ONE: Self = Self(1);

    /// Upper bound of revisions, exclusive. From here on Lua's `tostring`, which Go peers use, prints an exponent.
    pub const LIMIT: u64 = 100_000_000_000_000;

    /// Revisions from here on began at a clock, so in practice none recurs in another life of the same hash.
    pub const UNIQUE_FROM: u64 = 1_000_000_000_000;

    /// The revision with this number, or `None` at or above [`Revision::LIMIT`].
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number < Self::LIMIT { Some(Self(number)) } else { None }
    }

    /// Reads canonical decimal: digits only, no sign, no leading zero, below [`Revision::LIMIT`].
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.starts_with(b"0") && text != b"0" {
            return None;
        }
        // No overflow: a revision with one more digit is far below 2^64.
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        text.iter().try_fold(Self::ZERO, |so_far, &byte| Self::new(10 * so_far.0 + digit(byte)?))
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The following revision, or `None` when it would reach [`Revision::LIMIT`].
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// True when `self` is exactly one above `before`.
    #[must_use]
    pub const fn follows(self, before: Self) -> bool {
        self.0 == before.0 + 1
    }

    /// True when, in practice, this revision does not recur in another life of the hash.
    #[must_use]
    pub const fn is_unique(self) -> bool {
        self.0 >= Self::UNIQUE_FROM
    }
}

impl FromStr for Revision {
    type Err = InvalidRevision;

    /// Reads the text with [`Revision::parse`].
    fn from_str(text: &str) -> Result<Self, InvalidRevision> {
        Self::parse(text.as_bytes()).ok_or(InvalidRevision)
    }
}

impl TryFrom<u64> for Revision {
    type Error = InvalidRevision;

    fn try_from(number: u64) -> Result<Self, InvalidRevision> {
        Self::new(number).ok_or(InvalidRevision)
    }
}

impl From<Revision> for u64 {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

/// Serializes as a number.
#[cfg(feature = "serde")]
impl serde::Serialize for Revision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
