//! Decoding: everything is checked before anything is handed out.

use std::fmt;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use rmap_proto::{MapName, is_reserved};

use super::fields::Fields;
use super::frame::{self, END, ENTRIES, Frame, HEADER, Running};
use super::header::Header;
use super::invalid::{InvalidStore, Problem};

/// Fewest bytes of an entry: the lengths of its key and value.
const SMALLEST_ENTRY: usize = 2;

/// A store that was checked as a whole. It borrows the bytes and holds only its header.
#[derive(Clone)]
pub struct Stored<'a> {
    header: Header,
    entries: StoredEntries<'a>,
    left_out: u64,
}

impl<'a> Stored<'a> {
    /// The description of the content.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.left
    }

    /// True when there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries of the map that the writer left out. Unless this is 0, the store is no complete content.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Iterates over keys and values, in the order in which they were encoded.
    #[must_use]
    pub fn entries(&self) -> StoredEntries<'a> {
        self.entries.clone()
    }
}

impl fmt::Debug for Stored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("header", &self.header)
            .field("len", &self.len())
            .field("left_out", &self.left_out)
            .finish()
    }
}

/// Iterator over keys and values of a [`Stored`].
#[derive(Clone)]
pub struct StoredEntries<'a> {
    bytes: &'a [u8],
    /// Offset of the next block.
    next: usize,
    block: Fields<'a>,
    left: usize,
}

impl<'a> Iterator for StoredEntries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if self.block.is_at_end() {
            let block = frame::checked(self.bytes, self.next)?;
            self.block = block.fields(self.bytes);
            self.next = block.next();
        }
        self.left -= 1;
        Some((self.block.bytes().ok()?, self.block.bytes().ok()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for StoredEntries<'_> {}

impl fmt::Debug for StoredEntries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEntries").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Checks that `bytes` are a whole store of `map`: checksums, order and number of blocks, keys.
///
/// The time is linear in the number of bytes. Memory beside them is about 18 bytes for each entry, until it returns.
///
/// # Errors
///
/// [`InvalidStore`] where the bytes are anything else than what one [`Encoder`](super::Encoder) wrote for this map.
pub fn decode<'a>(bytes: &'a [u8], map: &MapName) -> Result<Stored<'a>, InvalidStore> {
    let mut running = Running::begin();
    let (header, first) = read_header(bytes, map, &mut running)?;
    let blocks = read_blocks(bytes, first, &mut running)?;
    // Whoever chooses keys cannot foresee this seed, so nobody can choose many keys of one hash.
    let seed = u64::from(running.value()) << 32 ^ header.written_at;
    check_entries(bytes, first, &blocks, FixedState::with_seed(seed))?;
    let entries = StoredEntries { bytes, next: first, block: Fields::new(b"", 0), left: blocks.entries };
    Ok(Stored { header, entries, left_out: blocks.left_out })
}

/// The header, and the offset of the next block.
fn read_header(bytes: &[u8], map: &MapName, running: &mut Running) -> Result<(Header, usize), InvalidStore> {
    let at = frame::begin(bytes)?;
    let block = frame::read(bytes, at, running)?;
    if block.kind != HEADER {
        return Err(frame::misplaced(block.kind, at));
    }
    let header = whole(bytes, block, Header::decode)?;
    if header.map != *map {
        return Err(InvalidStore::AnotherMap { found: header.map, wanted: map.clone() });
    }
    Ok((header, block.next()))
}

/// The blocks of entries, whose checksums match.
struct Blocks {
    /// Offset of the end block.
    end: usize,
    entries: usize,
    left_out: u64,
}

fn read_blocks(bytes: &[u8], first: usize, running: &mut Running) -> Result<Blocks, InvalidStore> {
    let (mut at, mut payloads) = (first, 0);
    loop {
        let block = frame::read(bytes, at, running)?;
        match block.kind {
            ENTRIES if block.payload == block.end => return Err(malformed(at, Problem::EmptyBlock)),
            ENTRIES => payloads += block.end - block.payload,
            END => return read_end(bytes, block, at, payloads),
            kind => return Err(frame::misplaced(kind, at)),
        }
        at = block.next();
    }
}

fn read_end(bytes: &[u8], block: Frame, at: usize, payloads: usize) -> Result<Blocks, InvalidStore> {
    let (entries, left_out) = whole(bytes, block, |fields| Ok((fields.number()?, fields.number()?)))?;
    if block.next() != bytes.len() {
        return Err(malformed(block.next(), Problem::Surplus));
    }
    let entries = usize::try_from(entries).ok().filter(|&entries| entries <= payloads / SMALLEST_ENTRY);
    let entries = entries.ok_or_else(|| malformed(block.payload, Problem::Count))?;
    Ok(Blocks { end: at, entries, left_out })
}

/// Checks keys, and that the entries are as many as the end block says.
fn check_entries(
    bytes: &[u8],
    first: usize,
    blocks: &Blocks,
    hasher: FixedState,
) -> Result<(), InvalidStore> {
    // Offsets take half the memory of slices. They lead to keys that were read before, so `key_at` finds them all.
    let key_at = |at: usize| Fields::new(bytes, at).bytes().unwrap_or_default();
    let mut seen: HashTable<usize> = HashTable::with_capacity(blocks.entries);
    let mut at = first;
    while let Some(block) = frame::checked(bytes, at).filter(|block| block.kind == ENTRIES) {
        let mut fields = block.fields(bytes);
        while !fields.is_at_end() {
            let place = fields.at();
            let key = fields.bytes().map_err(|problem| malformed(place, problem))?;
            fields.bytes().map_err(|problem| malformed(place, problem))?;
            if is_reserved(key) {
                return Err(malformed(place, Problem::ReservedKey));
            }
            let hash = hasher.hash_one(key);
            if seen.find(hash, |&other| key_at(other) == key).is_some() {
                return Err(malformed(place, Problem::DuplicateKey));
            }
            seen.insert_unique(hash, place, |&other| hasher.hash_one(key_at(other)));
        }
        at = block.next();
    }
    if seen.len() == blocks.entries { Ok(()) } else { Err(malformed(blocks.end, Problem::Count)) }
}

/// Reads the whole payload of a block.
fn whole<'a, T>(
    bytes: &'a [u8],
    block: Frame,
    read: impl FnOnce(&mut Fields<'a>) -> Result<T, Problem>,
) -> Result<T, InvalidStore> {
    let mut fields = block.fields(bytes);
    let found = read(&mut fields).map_err(|problem| malformed(fields.at(), problem))?;
    if fields.is_at_end() { Ok(found) } else { Err(malformed(fields.at(), Problem::Surplus)) }
}

const fn malformed(at: usize, problem: Problem) -> InvalidStore {
    InvalidStore::Malformed { at, problem }
}
