//! Lookups of decoded values, beside lookups of the same map's bytes and what a user would write by hand.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use rmap_bench::data::{VALUE_BYTES, first_byte, key, shuffled_keys, value};
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{Cycle, look_up, rounds, take_turns};
use rmap_client::typed::{Codec, CodecError, Json};
use rmap_client::{Client, Map, TypedMap};

/// The number of entries for which the target is stated, and a small one.
const SIZES: [u64; 2] = [1_000, 100_000];

const AIMED_AT: u64 = 100_000;

/// Entries of one batch.
const BATCH: u64 = 500;

/// A value of a fixed size.
struct Text([u8; VALUE_BYTES]);

/// Values as they are.
struct Plain;

impl Codec<Text> for Plain {
    fn encode(&self, value: &Text) -> Result<Vec<u8>, CodecError> {
        Ok(value.0.to_vec())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Text, CodecError> {
        Ok(Text(bytes.try_into()?))
    }
}

/// A value that is JSON: whether a flag is on, for how many percent, and since when.
type Flag = (bool, u8, u64);

const PERCENT: u8 = 20;

/// Decoded values as a user without typed maps would share them.
type ByHand = RwLock<HashMap<Vec<u8>, Arc<Text>>>;

pub(crate) fn measure(session: &mut Session) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    for entries in SIZES {
        let bytes = runtime.block_on(filled(entries, value));
        let typed = runtime.block_on(bytes.typed_with_keys::<Vec<u8>, Text>(Plain).join()).unwrap();
        let [beside_bytes, beside_hand] = figures(entries, &bytes, &typed);
        session.add(if entries == AIMED_AT { beside_bytes.ratio_target(1.3) } else { beside_bytes });
        session.add(beside_hand);
        runtime.block_on(bytes.close());
        drop(typed);

        let json = |number| serde_json::to_vec::<Flag>(&(true, PERCENT, number)).unwrap();
        let bytes = runtime.block_on(filled(entries, json));
        let typed = runtime.block_on(bytes.typed_with_keys::<Vec<u8>, Flag>(Json).join()).unwrap();
        session.add(of_json(entries, &bytes, &typed));
        runtime.block_on(bytes.close());
    }
}

async fn filled<V: AsRef<[u8]>>(entries: u64, value: impl Fn(u64) -> V) -> Map {
    let map = Client::in_memory().map("bench").await.unwrap();
    for first in (0..entries).step_by(BATCH as usize) {
        let numbers = first..(first + BATCH).min(entries);
        let batch = numbers.fold(map.batch(), |batch, number| batch.set(key(number), value(number)));
        batch.commit().visible().await.unwrap();
    }
    assert_eq!(map.len() as u64, entries);
    map
}

fn figures(entries: u64, bytes: &Map, typed: &TypedMap<Vec<u8>, Text>) -> [Figure; 2] {
    let keys = shuffled_keys(entries);
    let by_hand: ByHand = RwLock::new(
        (0..entries).map(|number| (key(number).to_vec(), Arc::new(Text(value(number))))).collect(),
    );
    let mut cycles: [Cycle<'_>; 3] = std::array::from_fn(|_| Cycle::new(&keys, 0));
    let [of_values, of_bytes, of_hand] = &mut cycles;
    let [typed, cloned, by_hand] = take_turns(
        3 * rounds(),
        [
            &mut || look_up(of_values, |key| typed.get(key).map_or(0, |value| first_byte(&value.0))),
            &mut || look_up(of_bytes, |key| bytes.get(key).map_or(0, |value| first_byte(&value))),
            &mut || {
                look_up(of_hand, |key| {
                    let value = by_hand.read().unwrap().get(key).cloned();
                    value.map_or(0, |value| first_byte(&value.0))
                })
            },
        ],
    );
    [
        Figure::less("get typed", "ns", typed.clone()).entries(entries).beside("untyped get, cloned", cloned),
        Figure::less("get typed, again", "ns", typed)
            .entries(entries)
            .beside("RwLock<HashMap> of Arcs by hand", by_hand),
    ]
}

fn of_json(entries: u64, bytes: &Map, typed: &TypedMap<Vec<u8>, Flag>) -> Figure {
    let keys = shuffled_keys(entries);
    let mut cycles: [Cycle<'_>; 2] = std::array::from_fn(|_| Cycle::new(&keys, 0));
    let [of_values, of_bytes] = &mut cycles;
    let decode = |bytes: &[u8]| serde_json::from_slice::<Flag>(bytes).unwrap();
    let [typed, decoded] = take_turns(
        rounds(),
        [&mut || look_up(of_values, |key| typed.get(key).map_or(0, |flag| usize::from(flag.1))), &mut || {
            look_up(of_bytes, |key| bytes.with(key, decode).map_or(0, |flag| usize::from(flag.1)))
        }],
    );
    Figure::less("get typed, JSON", "ns", typed)
        .entries(entries)
        .beside("untyped get, decoded by each read", decoded)
}
