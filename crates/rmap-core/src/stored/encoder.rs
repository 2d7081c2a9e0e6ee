//! Encoding in blocks, so that memory stays bounded.

use std::fmt;

use super::fields::{put_bytes, put_number};
use super::frame::{self, END, ENTRIES, HEADER, MAGIC, PAYLOAD_AT, Running, VERSION};
use super::header::Header;

/// Bytes from which on a block of entries is finished. A larger entry makes a larger block.
pub const BLOCK_BYTES: usize = 64 << 10;

/// Encodes a store piece by piece. It keeps one block in memory.
///
/// The pieces of [`push`](Self::push) and the last one of [`finish`](Self::finish), one after the other, are the store.
pub struct Encoder {
    buffer: Vec<u8>,
    /// Where the block that is filled begins in the buffer.
    block: usize,
    /// The caller has seen the buffer, so the next entry begins a new one.
    handed_out: bool,
    running: Running,
    entries: u64,
    left_out: u64,
}

impl Encoder {
    /// Begins a store.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        let mut running = Running::begin();
        let mut buffer = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4);
        buffer.extend_from_slice(&MAGIC);
        buffer.extend_from_slice(&VERSION.to_le_bytes());
        let at = frame::open(&mut buffer);
        buffer.extend_from_slice(&header.encode());
        frame::close(&mut buffer, at, HEADER, &mut running);
        let block = frame::open(&mut buffer);
        Self { buffer, block, handed_out: false, running, entries: 0, left_out: 0 }
    }

    /// Adds an entry. Returns the next piece of the store when one is finished.
    ///
    /// Each key may come once, and none may contain a `=`: [`decode`](super::decode) refuses a store with such keys.
    #[must_use = "the store misses a piece that is not written"]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Option<&[u8]> {
        self.begin_buffer();
        put_bytes(&mut self.buffer, key);
        put_bytes(&mut self.buffer, value);
        self.entries += 1;
        if self.buffer.len() - self.block < BLOCK_BYTES {
            return None;
        }
        frame::close(&mut self.buffer, self.block, ENTRIES, &mut self.running);
        self.handed_out = true;
        Some(&self.buffer)
    }

    /// Counts an entry of the map that the store leaves out. The store is then no complete content.
    pub const fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Number of entries so far.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Number of entries that were left out so far.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Ends the store and returns its last piece.
    #[must_use = "the store misses its end"]
    pub fn finish(mut self) -> Vec<u8> {
        self.begin_buffer();
        if self.buffer.len() > self.block + PAYLOAD_AT {
            frame::close(&mut self.buffer, self.block, ENTRIES, &mut self.running);
            self.block = frame::open(&mut self.buffer);
        }
        put_number(&mut self.buffer, self.entries);
        put_number(&mut self.buffer, self.left_out);
        frame::close(&mut self.buffer, self.block, END, &mut self.running);
        self.buffer
    }

    /// Begins a new block in an empty buffer if the caller has seen the last one.
    fn begin_buffer(&mut self) {
        if self.handed_out {
            self.buffer.clear();
            self.block = frame::open(&mut self.buffer);
            self.handed_out = false;
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("entries", &self.entries)
            .field("left_out", &self.left_out)
            .finish_non_exhaustive()
    }
}
