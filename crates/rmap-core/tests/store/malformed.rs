//! Stores whose checksums match, which no encoder writes.

use rmap_core::stored::{InvalidStore, Problem, decode};
use rmap_proto::Revision;

use crate::full_header;
use crate::inputs::{assert_refused, encode, map, store_of};

/// The payload of a header without optional parts.
fn plain_header() -> Vec<u8> {
    [&b"\x01m"[..], &[0; 16], &[0, 0, 0]].concat()
}

fn end(entries: u64) -> (u8, Vec<u8>) {
    (b'Z', [entries.to_le_bytes(), 0u64.to_le_bytes()].concat())
}

/// The problem of a store of these blocks.
#[track_caller]
fn problem(blocks: &[(u8, Vec<u8>)]) -> Problem {
    let fault = assert_refused(&store_of(blocks), "malformed");
    let InvalidStore::Malformed { problem, .. } = fault else { panic!("{fault}") };
    problem
}

fn with_header(payload: &[u8]) -> Problem {
    problem(&[(b'H', payload.to_vec()), end(0)])
}

fn with_entries(payload: &[u8], count: u64) -> Problem {
    problem(&[(b'H', plain_header()), (b'E', payload.to_vec()), end(count)])
}

#[test]
fn the_second_writer_writes_what_the_first_one_does() {
    let store = store_of(&[(b'H', plain_header()), (b'E', b"\x01a\x01b".to_vec()), end(1)]);
    let stored = decode(&store, &map()).unwrap();
    assert_eq!(store, encode(stored.header(), &[(b"a".to_vec(), b"b".to_vec())], 0));
}

#[test]
fn blocks_of_other_kinds_or_in_another_order_are_refused() {
    let header = (b'H', plain_header());
    let entry = (b'E', b"\x01a\x01b".to_vec());
    assert_eq!(problem(&[(b'X', vec![])]), Problem::Kind(b'X'));
    assert_eq!(problem(&[end(0)]), Problem::Kind(b'Z'));
    assert_eq!(problem(&[entry.clone(), header.clone(), end(1)]), Problem::Kind(b'E'));
    assert_eq!(problem(&[header.clone(), header.clone(), end(0)]), Problem::Kind(b'H'));
    assert_eq!(problem(&[header.clone(), entry.clone(), (0, vec![]), end(1)]), Problem::Kind(0));
    assert_eq!(problem(&[header.clone(), end(0), entry.clone()]), Problem::Surplus);
    assert_eq!(problem(&[header.clone(), end(0), end(0)]), Problem::Surplus);
    assert_eq!(problem(&[header.clone(), (b'E', vec![]), end(0)]), Problem::EmptyBlock);
    assert_eq!(problem(&[header, (b'Z', vec![0; 17])]), Problem::Surplus);
    assert_eq!(with_header(b""), Problem::Length);
}

#[test]
fn a_header_with_impossible_parts_is_refused() {
    let plain = plain_header();
    let limit = Revision::LIMIT.to_le_bytes();
    let with = |flags: &[u8]| with_header(&[&plain[..18], flags].concat());
    assert_eq!(with_header(&[&b"\x02m*"[..], &plain[2..]].concat()), Problem::Name);
    assert_eq!(with_header(&[&b"\0"[..], &plain[2..]].concat()), Problem::Name);
    assert_eq!(with_header(b"\x7fm"), Problem::Length);
    assert_eq!(with(&[2, 0, 0]), Problem::Flag);
    assert_eq!(with(&[0, 2, 0]), Problem::Flag);
    assert_eq!(with(&[0, 0, 2]), Problem::Flag);
    assert_eq!(with(&[0, 0]), Problem::Length);
    assert_eq!(with(&[0, 0, 0, 0]), Problem::Surplus);
    assert_eq!(with(&[&[1], &limit[..], &[0, 0]].concat()), Problem::Revision);
    assert_eq!(with(&[&[0, 0, 1], &limit[..], &[0; 17]].concat()), Problem::Revision);
    assert_eq!(with(&[&[0, 0, 1][..], &[0; 8], &[9; 20]].concat()), Problem::Length);
}

#[test]
fn entries_that_are_none_are_refused() {
    assert_eq!(with_entries(b"\x02a=\x01b", 1), Problem::ReservedKey);
    assert_eq!(with_entries(b"\x04=rev\x017", 1), Problem::ReservedKey);
    assert_eq!(with_entries(b"\x01a\x01b\x01c\0\x01a\x01b", 3), Problem::DuplicateKey);
    assert_eq!(with_entries(b"\x01a\x02b", 1), Problem::Length);
    assert_eq!(with_entries(b"\x01a", 0), Problem::Length);
    assert_eq!(with_entries(b"\x81\0a\x01b", 1), Problem::Length);
    assert_eq!(with_entries(b"\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01b", 1), Problem::Length);
}

#[test]
fn the_same_key_in_two_blocks_is_refused() {
    let entry = (b'E', b"\x01a\x01b".to_vec());
    assert_eq!(problem(&[(b'H', plain_header()), entry.clone(), entry, end(2)]), Problem::DuplicateKey);
}

#[test]
fn a_count_that_does_not_match_is_refused_and_reserves_no_memory() {
    for count in [0, 2, 3, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(with_entries(b"\x01a\x03bcd", count), Problem::Count, "{count}");
    }
}

#[test]
fn a_length_beyond_the_end_is_torn_and_reserves_no_memory() {
    let whole = encode(&full_header(), &[], 0);
    for length in [17, u64::from(u32::MAX), u64::MAX / 2, u64::MAX - 30, u64::MAX] {
        // Only the head of the block is there, with the checksum that a writer of such a length would give it.
        let mut store = store_of(&[(b'H', vec![0; 3])]);
        store.truncate(12);
        store.push(b'H');
        store.extend_from_slice(&length.to_le_bytes());
        let sum = crate::inputs::crc32(&store);
        store.extend_from_slice(&sum.to_le_bytes());
        store.extend_from_slice(b"0123456789");
        assert_eq!(assert_refused(&store, "torn"), InvalidStore::Torn { at: 12 });
    }
    assert!(decode(&whole, &map()).is_ok());
}
