//! Blocks: a kind, a length and a payload, with running checksums.

use crc32fast::Hasher;

use super::fields::Fields;
use super::invalid::{InvalidStore, Problem};

/// The first bytes of every store. A tool that converts text would change them.
pub const MAGIC: [u8; 8] = *b"\x89rmap\r\n\x1a";

/// The version of the format, four bytes after [`MAGIC`], lowest first. Magic and version keep their place in every
/// version.
pub const VERSION: u32 = 1;

/// The kind of a block. Each kind is one byte.
pub(super) const HEADER: u8 = b'H';
pub(super) const ENTRIES: u8 = b'E';
pub(super) const END: u8 = b'Z';

/// Kind and length of a block, before their checksum.
const HEAD: usize = 9;
const CHECKSUM: usize = 4;

/// Bytes before the payload of a block.
pub(super) const PAYLOAD_AT: usize = HEAD + CHECKSUM;

/// The checksum over every byte of the store so far, except the checksums.
///
/// It ties each block to all that stands before it. It must leave the checksums out: a CRC of bytes that are followed
/// by their own CRC is a constant, so no block would depend on the blocks before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Hasher);

impl Running {
    /// The checksum after the magic and the version.
    pub(super) fn begin() -> Self {
        let mut running = Self::default();
        running.add(&MAGIC);
        running.add(&VERSION.to_le_bytes());
        running
    }

    pub(super) fn value(&self) -> u32 {
        self.0.clone().finalize()
    }

    fn add(&mut self, bytes: &[u8]) -> u32 {
        self.0.update(bytes);
        self.value()
    }
}

/// Appends room for the head of a block, which [`close`] fills in.
pub(super) fn open(to: &mut Vec<u8>) -> usize {
    let at = to.len();
    to.resize(at + PAYLOAD_AT, 0);
    at
}

/// Fills in the head of the block that begins at `at`, and appends the checksum.
pub(super) fn close(to: &mut Vec<u8>, at: usize, kind: u8, running: &mut Running) {
    let length = (to.len() - at - PAYLOAD_AT) as u64;
    to[at] = kind;
    to[at + 1..at + HEAD].copy_from_slice(&length.to_le_bytes());
    let head = running.add(&to[at..at + HEAD]);
    to[at + HEAD..at + PAYLOAD_AT].copy_from_slice(&head.to_le_bytes());
    let whole = running.add(&to[at + PAYLOAD_AT..]);
    to.extend_from_slice(&whole.to_le_bytes());
}

/// A block whose checksums match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: u8,
    /// Offset of the payload in the store.
    pub(super) payload: usize,
    /// Offset after the payload.
    pub(super) end: usize,
}

impl Frame {
    /// Offset of the next block.
    pub(super) const fn next(&self) -> usize {
        self.end + CHECKSUM
    }

    /// The parts of the payload.
    pub(super) fn fields<'a>(&self, bytes: &'a [u8]) -> Fields<'a> {
        Fields::new(&bytes[..self.end], self.payload)
    }
}

/// The bytes after magic and version, once both are right.
pub(super) fn begin(bytes: &[u8]) -> Result<usize, InvalidStore> {
    let Some(rest) = bytes.strip_prefix(&MAGIC) else {
        let begins = !bytes.is_empty() && MAGIC.starts_with(bytes);
        return Err(if begins { InvalidStore::Torn { at: 0 } } else { InvalidStore::NotAStore });
    };
    let version = rest.first_chunk().ok_or(InvalidStore::Torn { at: 0 })?;
    let found = u32::from_le_bytes(*version);
    if found == VERSION {
        Ok(MAGIC.len() + version.len())
    } else {
        Err(InvalidStore::Version { found, known: VERSION })
    }
}

/// Checks the block that begins at `at`.
pub(super) fn read(bytes: &[u8], at: usize, running: &mut Running) -> Result<Frame, InvalidStore> {
    let torn = InvalidStore::Torn { at };
    let checksum = |from: usize| bytes.get(from..)?.first_chunk().map(|sum| u32::from_le_bytes(*sum));
    let Some(sum) = checksum(at + HEAD) else { return Err(torn) };
    // The head has a checksum of its own, so that a wrong length never decides where to look for the next checksum.
    if running.add(&bytes[at..at + HEAD]) != sum {
        return Err(InvalidStore::Checksum { at });
    }
    let Some(block) = checked(bytes, at) else { return Err(torn) };
    let Some(sum) = checksum(block.end) else { return Err(torn) };
    if running.add(&bytes[block.payload..block.end]) != sum {
        return Err(InvalidStore::Checksum { at });
    }
    Ok(block)
}

/// The block at `at`, whose checksums [`read`] has checked. `None` where its payload is not there.
pub(super) fn checked(bytes: &[u8], at: usize) -> Option<Frame> {
    let [kind, length @ ..] = bytes.get(at..)?.first_chunk::<HEAD>()?;
    let payload = at + PAYLOAD_AT;
    let end = payload.checked_add(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    bytes.get(payload..end)?;
    Some(Frame { kind: *kind, payload, end })
}

/// The error for a block that cannot stand at `at`.
pub(super) const fn misplaced(kind: u8, at: usize) -> InvalidStore {
    InvalidStore::Malformed { at, problem: Problem::Kind(kind) }
}
