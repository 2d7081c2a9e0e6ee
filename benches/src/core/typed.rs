//! Lookups of decoded values, beside lookups of the same map's bytes.

use rmap_bench::data::{VALUE_BYTES, first_byte, key, shuffled_keys, value};
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{Cycle, look_up, rounds, take_turns};
use rmap_client::typed::{Codec, CodecError};
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

pub(crate) fn measure(session: &mut Session) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    for entries in SIZES {
        let (bytes, typed) = runtime.block_on(filled(entries));
        let figure = figure(entries, &bytes, &typed);
        session.add(if entries == AIMED_AT { figure.ratio_target(1.3) } else { figure });
        runtime.block_on(bytes.close());
    }
}

async fn filled(entries: u64) -> (Map, TypedMap<Vec<u8>, Text>) {
    let map = Client::in_memory().map("bench").await.unwrap();
    for first in (0..entries).step_by(BATCH as usize) {
        let numbers = first..(first + BATCH).min(entries);
        let batch = numbers.fold(map.batch(), |batch, number| batch.set(key(number), value(number)));
        batch.commit().visible().await.unwrap();
    }
    let typed = map.typed_with_keys::<Vec<u8>, Text>(Plain).join().await.unwrap();
    assert_eq!((map.len() as u64, typed.len() as u64), (entries, entries));
    (map, typed)
}

fn figure(entries: u64, bytes: &Map, typed: &TypedMap<Vec<u8>, Text>) -> Figure {
    let keys = shuffled_keys(entries);
    let (mut of_values, mut of_bytes) = (Cycle::new(&keys, 0), Cycle::new(&keys, 0));
    let [typed, cloned] = take_turns(
        3 * rounds(),
        [
            &mut || look_up(&mut of_values, |key| typed.get(key).map_or(0, |value| first_byte(&value.0))),
            &mut || look_up(&mut of_bytes, |key| bytes.get(key).map_or(0, |value| first_byte(&value))),
        ],
    );
    Figure::less("get typed", "ns", typed).entries(entries).beside("untyped get, cloned", cloned)
}
