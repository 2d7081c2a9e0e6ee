//! The format of stores: round trips, damage of every kind, the published example, and the corpus of the fuzz target
//! `store`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod example;
mod inputs;
mod malformed;

use std::fs;
use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use rmap_core::Proof;
use rmap_core::stored::{BLOCK_BYTES, Encoder, Header, decode};
use rmap_proto::{MapName, Revision};

use inputs::{Entry, assert_same, encode, map};

#[test]
fn every_input_of_the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/seeds");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    for file in files {
        println!("{}", file.display());
        inputs::check(&fs::read(file).unwrap());
    }
}

/// A header with every part.
fn full_header() -> Header {
    let revision = Revision::new(1_764_250_000_123).unwrap();
    let mut header = Header::new(map(), 1_764_250_060_000);
    header.revision = Some(revision);
    header.fields = 4;
    header.proven_at = Some(1_764_250_055_000);
    let id = Bytes::from_static(b"0123456789abcdef0123456789abcdef01234567");
    header.proof = Some(Proof::new(revision, id, 123_456_789, 1_764_250_054_321));
    header
}

/// Entries of `size` bytes each, in several blocks if they are many.
fn entries(count: usize, size: usize) -> Vec<Entry> {
    (0..count).map(|n| (format!("key-{n}").into_bytes(), vec![n as u8; size])).collect()
}

proptest! {
    #[test]
    fn any_content_survives(
        content in prop::collection::btree_map(
            prop::collection::vec(any::<u8>().prop_filter("reserved", |&byte| byte != b'='), 0..20),
            prop::collection::vec(any::<u8>(), 0..300),
            0..40,
        ),
        (fields, written_at, left_out) in (any::<u64>(), any::<u64>(), 0..9u64),
        revision in prop::option::of(0..Revision::LIMIT),
        proven_at in prop::option::of(any::<u64>()),
        proof in prop::option::of((0..Revision::LIMIT, prop::collection::vec(any::<u8>(), 0..99), any::<u64>(), any::<u64>())),
    ) {
        let mut header = Header::new(map(), written_at);
        header.fields = fields;
        header.revision = revision.and_then(Revision::new);
        header.proven_at = proven_at;
        header.proof = proof.map(|(revision, id, offset, clock)| {
            Proof::new(Revision::new(revision).unwrap(), id.into(), offset, clock)
        });
        let entries: Vec<Entry> = content.into_iter().collect();
        assert_same(&encode(&header, &entries, left_out), &header, &entries, left_out);
    }

    #[test]
    fn any_bytes_are_an_input(data: Vec<u8>) {
        inputs::check(&data);
    }

    #[test]
    fn any_contents_with_any_change_are_an_input(data in prop::collection::vec(any::<u8>(), 0..400)) {
        inputs::check(&[&[2], &data[..]].concat());
    }
}

#[test]
fn a_block_stays_small_however_many_entries_there_are() {
    let header = full_header();
    let entries = entries(2_000, 500);
    let mut encoder = Encoder::new(&header);
    let (mut store, mut pieces) = (Vec::new(), 0);
    for (key, value) in &entries {
        if let Some(piece) = encoder.push(key, value) {
            assert!(piece.len() < BLOCK_BYTES + 1_000, "{} bytes", piece.len());
            store.extend_from_slice(piece);
            pieces += 1;
        }
    }
    assert_eq!(pieces, 2_000 * 512 / BLOCK_BYTES);
    assert_eq!((encoder.entries(), encoder.left_out()), (2_000, 0));
    store.extend_from_slice(&encoder.finish());
    assert_same(&store, &header, &entries, 0);
}

#[test]
fn an_entry_may_be_larger_than_a_block_and_a_block_may_end_with_the_store() {
    for sizes in [&[3 * BLOCK_BYTES][..], &[0, 3 * BLOCK_BYTES, 0], &[BLOCK_BYTES, BLOCK_BYTES], &[0, 0], &[]]
    {
        let entries: Vec<Entry> =
            sizes.iter().enumerate().map(|(n, &size)| (vec![n as u8], vec![7; size])).collect();
        assert_same(&encode(&full_header(), &entries, 0), &full_header(), &entries, 0);
    }
}

#[test]
fn an_empty_key_is_an_entry_as_another_program_may_have_written_it() {
    let entries = vec![(Vec::new(), b"v".to_vec())];
    assert_same(&encode(&full_header(), &entries, 0), &full_header(), &entries, 0);
}

#[test]
fn debug_output_never_shows_a_key_or_a_value() {
    let mut encoder = Encoder::new(&full_header());
    assert!(encoder.push(b"secret-key", b"secret-value").is_none());
    let encoding = format!("{encoder:?}");
    let store = encoder.finish();
    let stored = decode(&store, &map()).unwrap();
    let shown = format!("{encoding} {stored:?} {:?}", stored.entries());
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("len: 1"), "{shown}");
}

#[test]
fn a_store_of_another_map_names_both() {
    let store = encode(&full_header(), &entries(1, 1), 0);
    let fault = decode(&store, &MapName::new("other").unwrap()).unwrap_err();
    assert_eq!(fault.to_string(), "the store holds map m, not map other");
}
