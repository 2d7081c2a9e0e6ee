//! What a replica does most: decode and apply notifications, look a key up, take a view; beside a bare hash table.
//!
//! `just bench` runs it. Values have 32 bytes; keys are present and taken in a scattered order.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hash::BuildHasher;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashMap;
use rmap_core::{Config, Disposition, Output, Reader, Replica, Value};
use rmap_proto::{Change, Entries, Notification, Probe, ReadReply, Revision, Snapshot};

const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
const BORN: u64 = 1_790_000_000_000;
const NOW: Duration = Duration::from_secs(1);

fn main() {
    divan::main();
}

fn key(number: u64) -> Vec<u8> {
    format!("service/key-{number:08}").into_bytes()
}

fn value(number: u64) -> Vec<u8> {
    format!("{number:032}").into_bytes()
}

/// Keys in an order in which none is near the one before.
fn scattered(size: u64) -> Vec<Vec<u8>> {
    (0..size).map(|number| key(number * 7_919 % size)).collect()
}

/// A live replica that holds `size` entries.
fn replica(size: u64) -> Replica {
    let mut replica = Replica::new(Config::default(), 1);
    replica.handle_connected(NOW, 1);
    while let Some(output) = replica.poll_output() {
        match output {
            Output::Subscribe { nonce } => replica.handle_subscribed(NOW, &nonce),
            Output::Request { id, .. } => {
                replica.handle_mark(NOW, id.get().to_string().as_bytes());
                replica.handle_reply(NOW, id, Ok(snapshot(size)));
            }
            Output::ReplaceConnections { .. } | Output::Changed(_) | Output::StatusChanged => {}
        }
    }
    assert_eq!(replica.reader().len() as u64, size);
    replica
}

fn snapshot(size: u64) -> ReadReply {
    let content = (0..size).map(|number| (key(number).into(), value(number).into())).collect();
    let reserved = vec!["=rev".into(), "=kind".into()];
    let probe = Probe { revision: Revision::new(BORN), fields: size + 2, ttl: None, replication_id: None };
    ReadReply::Snapshot(Snapshot { probe, content: Some(Entries { content, reserved }) })
}

fn payload(revision: u64, key: &[u8]) -> Vec<u8> {
    let value = value(revision);
    Notification::new(Revision::new(revision).unwrap(), Change::Set { key, value: &value }).encode()
}

/// How many look-ups or notifications a measured round has, so that the clock's own cost does not show.
const ROUND: usize = 1_000;

/// Looks `ROUND` keys up, each round other ones.
fn look_up(bencher: Bencher<'_, '_>, size: u64, mut look: impl FnMut(&[u8]) -> Option<usize>) {
    let keys = scattered(size);
    let mut rounds = keys.chunks_exact(ROUND).cycle();
    bencher.counter(ItemsCount::new(ROUND)).bench_local(|| {
        let keys = rounds.next().unwrap();
        keys.iter().filter_map(|key| look(black_box(key))).sum::<usize>()
    });
}

#[divan::bench]
fn decode_set(bencher: Bencher<'_, '_>) {
    let payload = payload(BORN, &key(1));
    bencher.bench(|| Notification::decode(black_box(&payload)).unwrap().revision);
}

/// Decoding included.
#[divan::bench(args = SIZES)]
fn apply_set(bencher: Bencher<'_, '_>, size: u64) {
    let mut replica = replica(size);
    let keys = scattered(size);
    let mut revision = BORN;
    let round = || {
        let next = |_| {
            revision += 1;
            payload(revision, &keys[(revision % size) as usize])
        };
        (0..ROUND).map(next).collect::<Vec<_>>()
    };
    bencher.counter(ItemsCount::new(ROUND)).with_inputs(round).bench_local_refs(|payloads| {
        for payload in payloads {
            assert_eq!(replica.handle_notification(NOW, payload), Disposition::Applied);
        }
        while replica.poll_output().is_some() {}
    });
}

#[divan::bench(args = SIZES)]
fn get_cloned(bencher: Bencher<'_, '_>, size: u64) {
    let reader = replica(size).reader();
    look_up(bencher, size, |key| reader.get(key).map(|value| value.len()));
}

#[divan::bench(args = SIZES)]
fn get_borrowed(bencher: Bencher<'_, '_>, size: u64) {
    let reader = replica(size).reader();
    look_up(bencher, size, |key| reader.with(key, <[u8]>::len));
}

/// What no shared map can be faster than: the same hash function and values, one thread, no lock.
#[divan::bench(args = SIZES)]
fn get_borrowed_bare_table(bencher: Bencher<'_, '_>, size: u64) {
    let hasher = SeedableRandomState::with_seed(1, SharedSeed::global_fixed());
    let mut table = HashMap::with_hasher(hasher);
    for number in 0..size {
        table.insert(Value::from(key(number)), Value::from(value(number)));
    }
    assert_ne!(table.hasher().hash_one(1), 0);
    look_up(bencher, size, |key| table.get(key).map(Value::len));
}

#[divan::bench(args = SIZES)]
fn view(bencher: Bencher<'_, '_>, size: u64) {
    let reader: Reader = replica(size).reader();
    bencher.bench_local(|| reader.view());
}
