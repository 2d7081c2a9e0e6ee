//! Stores that were whole once.

use rmap_core::stored::{InvalidStore, MAGIC, VERSION};

use crate::inputs::{assert_refused, encode};
use crate::{entries, full_header};

/// Offsets at which blocks begin, and the end of the store.
fn blocks(store: &[u8]) -> Vec<usize> {
    let mut places = vec![MAGIC.len() + 4];
    while let Some(&at) = places.last().filter(|&&at| at < store.len()) {
        let length = u64::from_le_bytes(*store[at + 1..].first_chunk().unwrap());
        places.push(at + 13 + length as usize + 4);
    }
    places
}

#[test]
fn a_store_that_is_cut_short_anywhere_is_refused() {
    let store = encode(&full_header(), &entries(30, 20), 0);
    for length in 1..store.len() {
        let fault = assert_refused(&store[..length], "cut short");
        assert!(matches!(fault, InvalidStore::Torn { .. }), "{length} bytes: {fault}");
    }
    assert_eq!(assert_refused(b"", "empty"), InvalidStore::NotAStore);
}

#[test]
fn a_large_store_that_ends_at_or_beside_the_edge_of_a_block_is_refused() {
    let store = encode(&full_header(), &entries(2_000, 200), 0);
    let places = blocks(&store);
    assert!(places.len() > 7, "several blocks of entries: {places:?}");
    for &place in &places[..places.len() - 1] {
        for length in place - 5..place + 20 {
            let fault = assert_refused(&store[..length], "cut short");
            assert!(matches!(fault, InvalidStore::Torn { .. }), "{length} bytes: {fault}");
        }
    }
}

#[test]
fn a_store_with_one_wrong_byte_is_refused() {
    let store = encode(&full_header(), &entries(30, 20), 3);
    for place in 0..store.len() {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255, 0x5a] {
            let mut changed = store.clone();
            changed[place] ^= mask;
            let fault = assert_refused(&changed, "one byte changed");
            let expected = match place {
                0..8 => matches!(fault, InvalidStore::NotAStore),
                8..12 => matches!(fault, InvalidStore::Version { known: VERSION, .. }),
                _ => matches!(fault, InvalidStore::Checksum { .. }),
            };
            assert!(expected, "byte {place} changed by {mask:#x}: {fault}");
        }
    }
}

#[test]
fn blocks_that_are_swapped_repeated_or_left_out_are_refused() {
    let store = encode(&full_header(), &entries(2_000, 200), 0);
    let places = blocks(&store);
    let block = |n: usize| &store[places[n]..places[n + 1]];
    let count = places.len() - 1;
    let order = |order: &[usize]| {
        let blocks = order.iter().flat_map(|&n| block(n).iter().copied());
        store[..places[0]].iter().copied().chain(blocks).collect::<Vec<u8>>()
    };
    let whole: Vec<usize> = (0..count).collect();
    assert_eq!(order(&whole), store);
    for first in 0..count {
        let mut left_out = whole.clone();
        left_out.remove(first);
        assert_refused(&order(&left_out), "a block left out");
        let mut repeated = whole.clone();
        repeated.insert(first, first);
        assert_refused(&order(&repeated), "a block repeated");
        for second in first + 1..count {
            let mut swapped = whole.clone();
            swapped.swap(first, second);
            assert_refused(&order(&swapped), "two blocks swapped");
        }
    }
}

#[test]
fn a_block_of_another_store_is_refused() {
    let (mut later, mut other) = (full_header(), entries(2_000, 200));
    later.written_at += 1;
    other[0].1[0] ^= 1;
    let store = encode(&full_header(), &entries(2_000, 200), 0);
    // Another header; another first entry; the same length each.
    for foreign in [encode(&later, &entries(2_000, 200), 0), encode(&full_header(), &other, 0)] {
        let places = blocks(&store);
        assert_eq!(places, blocks(&foreign));
        for window in places.windows(2) {
            let block = window[0]..window[1];
            if store[block.clone()] != foreign[block.clone()] {
                let mut mixed = store.clone();
                mixed[block.clone()].copy_from_slice(&foreign[block]);
                assert_refused(&mixed, "a foreign block");
            }
            // What a torn write leaves where a file is overwritten in place.
            if window[0] > places[1] {
                let mixed = [&foreign[..window[0]], &store[window[0]..]].concat();
                assert_refused(&mixed, "the rest of another store");
            }
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let store = encode(&full_header(), &entries(3, 3), 0);
    for more in [&b"\0"[..], &store] {
        let fault = assert_refused(&[&store[..], more].concat(), "bytes after the end");
        let text = format!("the store is malformed at byte {}: bytes follow after the end", store.len());
        assert_eq!(fault.to_string(), text);
    }
}

#[test]
fn zeros_as_some_file_systems_leave_them_are_refused() {
    let mut store = encode(&full_header(), &entries(2_000, 200), 0);
    assert_eq!(assert_refused(&vec![0; store.len()], "zeros"), InvalidStore::NotAStore);
    let middle = store.len() / 2;
    store[middle..].fill(0);
    assert!(matches!(assert_refused(&store, "half of zeros"), InvalidStore::Checksum { .. }));
}

#[test]
fn an_older_and_a_newer_version_are_named() {
    for found in [0, VERSION + 1, u32::MAX] {
        let mut store = encode(&full_header(), &entries(3, 3), 0);
        store[8..12].copy_from_slice(&found.to_le_bytes());
        // Whatever follows, as it may mean something else there.
        for store in [&store[..], &store[..12], &[&store[..12], b"else"].concat()] {
            let fault = assert_refused(store, "another version");
            assert_eq!(fault, InvalidStore::Version { found, known: VERSION });
        }
    }
}
