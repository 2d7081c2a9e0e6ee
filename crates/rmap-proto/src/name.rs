//! Map names, and the Redis key and channels derived from them.

use std::fmt;

use bytes::Bytes;

use crate::error::{InvalidName, NoSidecars};

/// Longest map name, in characters. An invalid UTF-8 byte counts as one character.
pub const MAX_NAME_CHARS: usize = 512;

/// The validated name of a map: 1 to 512 characters, none of them a space, NUL, `*`, `?`, `[` or `]`.
///
/// A `{tag}` in the name puts the hash and its channels into one cluster slot.
///
/// ```
/// use rmap_proto::MapName;
///
/// # fn main() -> Result<(), rmap_proto::InvalidName> {
/// let name = MapName::new("flags")?;
/// assert_eq!(name.hash_key(), "map:flags:content");
/// assert_eq!(name.updates_channel(), "map:flags:updates");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapName(Bytes);

impl MapName {
    /// Validates a name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] when the name is empty, is too long, or contains a forbidden byte.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, InvalidName> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if let Some(offset) = name.iter().position(|byte| b" \0*?[]".contains(byte)) {
            return Err(InvalidName::Forbidden { byte: name[offset], offset });
        }
        let chars = count_chars(name);
        if chars > MAX_NAME_CHARS {
            return Err(InvalidName::TooLong { chars });
        }
        Ok(Self(Bytes::copy_from_slice(name)))
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The Redis key of the hash: `map:NAME:content`.
    #[must_use]
    pub fn hash_key(&self) -> Bytes {
        self.derive(b":content")
    }

    /// The channel on which the server publishes every change of the map: `map:NAME:updates`.
    #[must_use]
    pub fn updates_channel(&self) -> Bytes {
        self.derive(b":updates")
    }

    /// The private channel of one subscription, which carries its marks: `map:NAME:sync:NONCE`.
    #[must_use]
    pub fn sync_channel(&self, nonce: &str) -> Bytes {
        self.derive(format!(":sync:{nonce}").as_bytes())
    }

    /// The channel that all replicas share, for news that concern each of them: `map:NAME:sync:all`.
    #[must_use]
    pub fn shared_channel(&self) -> Bytes {
        self.sync_channel("all")
    }

    /// The Redis keys of the sidecars, which hold what the map's leases need.
    ///
    /// They are `map:NAME:side` and `map:NAME:leases` when the key of the hash has a hash tag. Otherwise they are
    /// `{map:NAME:content}:side` and `{map:NAME:content}:leases`. Both forms are in the cluster slot of the hash.
    ///
    /// ```
    /// use rmap_proto::MapName;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// assert_eq!(MapName::new("flags")?.sidecars()?.side, "{map:flags:content}:side");
    /// assert_eq!(MapName::new("{eu}flags")?.sidecars()?.leases, "map:{eu}flags:leases");
    /// assert!(MapName::new("a}b")?.sidecars().is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoSidecars`] when the name contains a `}` but has no hash tag. Such a name has no sidecar key in its slot.
    pub fn sidecars(&self) -> Result<Sidecars, NoSidecars> {
        let key = |kind: &str| {
            if self.has_hash_tag() {
                Ok(self.derive(format!(":{kind}").as_bytes()))
            } else if let Some(offset) = self.0.iter().position(|&byte| byte == b'}') {
                Err(NoSidecars { offset })
            } else {
                Ok([b"{", &self.hash_key()[..], b"}:", kind.as_bytes()].concat().into())
            }
        };
        Ok(Sidecars { side: key("side")?, leases: key("leases")? })
    }

    /// True when a cluster computes the slot of the hash from a part of its key: the bytes between the first `{` and the
    /// next `}`, if there are any.
    fn has_hash_tag(&self) -> bool {
        let after = self.0.iter().position(|&byte| byte == b'{').map(|open| &self.0[open + 1..]);
        after.and_then(|after| after.iter().position(|&byte| byte == b'}')).is_some_and(|length| length > 0)
    }

    fn derive(&self, suffix: &[u8]) -> Bytes {
        [b"map:", self.as_bytes(), suffix].concat().into()
    }
}

/// The Redis keys of a map's sidecars, from [`MapName::sidecars`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sidecars {
    /// A hash: which capabilities are on, and what each lease guards.
    pub side: Bytes,
    /// A sorted set: the deadline of each lease.
    pub leases: Bytes,
}

/// Counts characters the way Go ranges over a string: every byte outside of a valid character counts as one.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

impl fmt::Debug for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapName({self})")
    }
}

impl fmt::Display for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
