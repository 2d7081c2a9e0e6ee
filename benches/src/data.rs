//! Keys and values: 13 and 32 bytes, 45 together, as in the figures of the peers.

use std::sync::Arc;

/// Number of bytes of a key.
pub const KEY_BYTES: usize = 13;

/// Number of bytes of a value.
pub const VALUE_BYTES: usize = 32;

/// Numbers of entries for figures that depend on the size of the map.
pub const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// A key as an array, so that reading it costs almost nothing.
pub type Key = [u8; KEY_BYTES];

/// Reference-counted bytes, as a program without rmap would hold them.
pub type Shared = Arc<[u8]>;

/// The key with this number.
#[must_use]
pub fn key(number: u64) -> Key {
    let mut key = *b"key-000000000";
    write_decimal(&mut key[4..], number);
    key
}

/// The value with this number.
#[must_use]
pub fn value(number: u64) -> [u8; VALUE_BYTES] {
    let mut value = [b'0'; VALUE_BYTES];
    write_decimal(&mut value, number);
    value
}

/// The first byte of every value.
pub const FIRST_BYTE: usize = b'0' as usize;

/// The part of a value that a measured lookup reads: its first byte.
#[must_use]
pub fn first_byte(value: &[u8]) -> usize {
    value.first().copied().map_or(0, usize::from)
}

/// Keys and values of a map with this number of entries.
pub fn entries(count: u64) -> impl Iterator<Item = (Shared, Shared)> {
    (0..count).map(|number| (Shared::from(key(number)), Shared::from(value(number))))
}

/// All keys of a map with this number of entries, each once, in random order.
#[must_use]
pub fn shuffled_keys(count: u64) -> Vec<Key> {
    let mut keys: Vec<Key> = (0..count).map(key).collect();
    fastrand::Rng::with_seed(count).shuffle(&mut keys);
    keys
}

/// Fills the slice with a number, right-aligned, padded with zeros.
pub(crate) fn write_decimal(to: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}
