//! The example of the documentation pins version 1, byte by byte.

use rmap_core::Proof;
use rmap_core::stored::{Header, decode};
use rmap_proto::{MapName, Revision};

use crate::inputs::{Entry, encode};

const PAGE: &str = include_str!("store-format.md");

/// The bytes of the blocks of code marked `hex`: pairs of digits, up to two spaces on each line, then an explanation.
fn example() -> Vec<u8> {
    let (mut bytes, mut inside) = (Vec::new(), false);
    for line in PAGE.lines() {
        if line.starts_with("```") {
            inside = line == "```hex";
        } else if inside {
            let digits = line.split("  ").next().unwrap();
            bytes.extend(digits.split(' ').map(|pair| u8::from_str_radix(pair, 16).expect(line)));
        }
    }
    bytes
}

fn content() -> (Header, Vec<Entry>) {
    let mut header = Header::new(MapName::new("flags").unwrap(), 1_764_250_060_000);
    let revision = Revision::new(1_764_250_000_123).unwrap();
    header.revision = Some(revision);
    header.fields = 5;
    header.proven_at = Some(1_764_250_055_000);
    let id = b"8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb";
    header.proof = Some(Proof::new(revision, id[..].into(), 4_096, 1_764_250_054_321));
    (header, vec![(b"dark-mode".to_vec(), b"on".to_vec()), (b"limit".to_vec(), b"".to_vec())])
}

#[test]
fn the_example_is_what_the_encoder_writes() {
    let (header, entries) = content();
    let store = encode(&header, &entries, 1);
    let hex: Vec<String> = store.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(example(), store, "{}", hex.join(" "));
}

#[test]
fn the_example_decodes_to_its_content() {
    let (header, entries) = content();
    let store = example();
    let stored = decode(&store, &header.map).unwrap();
    assert_eq!(stored.header(), &header);
    assert_eq!(stored.left_out(), 1);
    assert!(stored.entries().eq(entries.iter().map(|(key, value)| (&key[..], &value[..]))));
}
