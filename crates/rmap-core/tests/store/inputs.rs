//! Properties of the decoder of stores on arbitrary bytes. The fuzz target `store` and the tests of this folder share
//! this file.

use bytes::Bytes;
use rmap_core::Proof;
use rmap_core::stored::{Encoder, Header, InvalidStore, MAGIC, VERSION, decode};
use rmap_proto::{MapName, Revision, is_reserved};

/// An owned entry.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// Chooses by the first byte what the rest stands for.
pub(crate) fn check(data: &[u8]) {
    let Some((&form, input)) = data.split_first() else { return };
    match form % 3 {
        0 => check_bytes(input),
        1 => check_bytes(&with_checksums(input)),
        _ => check_content(input),
    }
}

/// The map of all inputs.
pub(crate) fn map() -> MapName {
    MapName::new("m").expect("an allowed name")
}

/// Bytes are refused, or are a store whose content encodes to a store of the same content.
fn check_bytes(bytes: &[u8]) {
    let stored = match decode(bytes, &map()) {
        Ok(stored) => stored,
        Err(fault) => return check_fault(&fault, bytes.len()),
    };
    let entries: Vec<Entry> = stored.entries().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert_eq!(entries.len(), stored.len());
    assert_eq!(stored.header().map, map());
    let mut keys: Vec<_> = entries.iter().map(|(key, _)| key).collect();
    assert!(!keys.iter().any(|key| is_reserved(key)), "a reserved field is an entry");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), entries.len(), "a key occurs twice");

    // An encoder counts one by one, and a store may claim any number.
    let left_out = stored.left_out().min(9);
    let again = encode(stored.header(), &entries, left_out);
    let header = Encoder::new(stored.header()).finish();
    assert!(bytes.starts_with(&header[..header.len() - END]), "a header has one form");
    assert_same(&again, stored.header(), &entries, left_out);
}

/// Bytes of the end block.
const END: usize = 13 + 16 + 4;

/// A fault is one line, and points into the bytes.
fn check_fault(fault: &InvalidStore, length: usize) {
    let text = fault.to_string();
    assert!(!text.contains('\n'), "{text}");
    match fault {
        InvalidStore::Torn { at } | InvalidStore::Checksum { at } | InvalidStore::Malformed { at, .. } => {
            assert!(*at <= length, "{text}, of {length} bytes");
        }
        InvalidStore::Version { found, known } => assert_ne!(found, known),
        InvalidStore::AnotherMap { found, wanted } => assert_ne!(found, wanted),
        InvalidStore::NotAStore => {}
        _ => panic!("an unknown fault: {text}"),
    }
}

/// Random contents survive encoding and decoding; what is cut short, or has one wrong byte, is refused.
fn check_content(input: &[u8]) {
    let mut input = Input(input);
    let (cut, place, mask) = (input.number(), input.number(), input.byte());
    let header = input.header();
    let left_out = input.number();
    let mut entries: Vec<Entry> = Vec::new();
    while !input.0.is_empty() {
        let (key, value) = (input.bytes(), input.bytes());
        if !is_reserved(&key) && !entries.iter().any(|(other, _)| *other == key) {
            entries.push((key, value));
        }
    }
    let store = encode(&header, &entries, left_out % 5);
    assert_same(&store, &header, &entries, left_out % 5);
    assert_refused(&store[..cut as usize % store.len()], "cut short");
    let mut changed = store;
    let place = place as usize % changed.len();
    changed[place] ^= mask.max(1);
    assert_refused(&changed, "one byte changed");
}

/// Encodes a whole store at once.
pub(crate) fn encode(header: &Header, entries: &[Entry], left_out: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(header);
    let mut store = Vec::new();
    for (key, value) in entries {
        store.extend_from_slice(encoder.push(key, value).unwrap_or_default());
    }
    (0..left_out).for_each(|_| encoder.leave_out());
    store.extend_from_slice(&encoder.finish());
    store
}

pub(crate) fn assert_same(store: &[u8], header: &Header, entries: &[Entry], left_out: u64) {
    let stored = decode(store, &header.map).expect("the encoder writes stores");
    assert_eq!(stored.header(), header);
    assert_eq!(stored.left_out(), left_out);
    assert!(stored.entries().eq(entries.iter().map(|(key, value)| (&key[..], &value[..]))), "other entries");
}

pub(crate) fn assert_refused(store: &[u8], what: &str) -> InvalidStore {
    let fault = decode(store, &map()).expect_err(what);
    check_fault(&fault, store.len());
    fault
}

/// Makes blocks with right checksums of any bytes: kind, number of bytes, bytes. Bytes 0 to 2 stand for the kinds that
/// there are.
fn with_checksums(mut input: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    while let Some((&[kind, length], rest)) = input.split_first_chunk() {
        let (payload, rest) = rest.split_at(rest.len().min(length.into()));
        blocks.push((b"HEZ".get(usize::from(kind)).copied().unwrap_or(kind), payload.to_vec()));
        input = rest;
    }
    store_of(&blocks)
}

/// A second writer of the format: a store of these blocks, right or wrong, with right checksums.
pub(crate) fn store_of(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut store = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
    let mut summed = store.clone();
    for (kind, payload) in blocks {
        let head = [&[*kind][..], &(payload.len() as u64).to_le_bytes()].concat();
        for part in [&head, payload] {
            summed.extend_from_slice(part);
            store.extend_from_slice(part);
            store.extend_from_slice(&crc32(&summed).to_le_bytes());
        }
    }
    store
}

/// CRC-32 as zlib, PNG and Ethernet have it, bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

/// Takes numbers and bytes off an input, zeros at its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn number(&mut self) -> u64 {
        u64::from(self.byte()) << 8 | u64::from(self.byte())
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    fn header(&mut self) -> Header {
        let mut header = Header::new(map(), self.number());
        let parts = self.byte();
        header.fields = self.number();
        header.revision = (parts & 1 > 0).then(|| self.revision());
        header.proven_at = (parts & 2 > 0).then(|| self.number());
        header.proof = (parts & 4 > 0)
            .then(|| Proof::new(self.revision(), Bytes::from(self.bytes()), self.number(), self.number()));
        header
    }

    fn revision(&mut self) -> Revision {
        Revision::new(self.number() << 24).expect("40 bits are below the limit")
    }
}
