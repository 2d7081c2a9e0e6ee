//! The reasons why bytes are no store.

use rmap_proto::MapName;

/// The bytes are not a whole store of the map. `at` counts bytes from the beginning of the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStore {
    /// The bytes do not begin as a store does.
    #[error("the file is no store of rmap")]
    NotAStore,
    /// Another version of rmap wrote the store, in a format that this one does not read.
    #[error("the store has format version {found}, this rmap reads version {known}")]
    Version {
        /// The version in the store.
        found: u32,
        /// The version that [`decode`](super::decode) reads.
        known: u32,
    },
    /// The store holds the content of another map.
    #[error("the store holds map {found}, not map {wanted}")]
    AnotherMap {
        /// The map in the store.
        found: MapName,
        /// The map that was asked for.
        wanted: MapName,
    },
    /// The store ends too early.
    #[error("the store is cut short: it ends inside the block at byte {at}")]
    Torn {
        /// Where the block begins that is not whole.
        at: usize,
    },
    /// A block was changed, or belongs to another place or store.
    #[error("the store is damaged: the checksum of the block at byte {at} does not match")]
    Checksum {
        /// Where the block begins.
        at: usize,
    },
    /// The checksums match, but no encoder writes such bytes.
    #[error("the store is malformed at byte {at}: {problem}")]
    Malformed {
        /// Where the wrong part begins.
        at: usize,
        /// The part that is wrong.
        problem: Problem,
    },
}

/// The part of a store that no encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A block of this kind is unknown, or cannot stand here.
    #[error("a block of kind {0:#04x} cannot stand here")]
    Kind(u8),
    /// A length reaches past the end of its block, or is not in its shortest form.
    #[error("a length or number is not whole")]
    Length,
    /// The byte before an optional part is neither 0 nor 1.
    #[error("an optional part begins with neither 0 nor 1")]
    Flag,
    /// The name of the map is not allowed.
    #[error("the map's name is not allowed")]
    Name,
    /// A revision is at or above [`Revision::LIMIT`](rmap_proto::Revision::LIMIT).
    #[error("a revision is 10^14 or more")]
    Revision,
    /// A key contains a `=`, so it is a reserved field and no entry.
    #[error("a key contains '='")]
    ReservedKey,
    /// A key is stored twice.
    #[error("a key is stored twice")]
    DuplicateKey,
    /// A block of entries has no entry.
    #[error("a block has no entries")]
    EmptyBlock,
    /// The end block counts other entries than there are.
    #[error("the number of entries does not match")]
    Count,
    /// Bytes follow where a block, or the store, should end.
    #[error("bytes follow after the end")]
    Surplus,
}
