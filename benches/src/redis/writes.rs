//! Writes: concurrent, sequential, and in batches.

use std::iter::StepBy;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use rmap_bench::data::{key, shuffled_keys, value};
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{rounds, take_turns, unless_quick};
use rmap_client::Map;
use tokio::task::JoinSet;

use crate::fred_alone;
use crate::world::World;

const ENTRIES: u64 = 100_000;
const CALLERS: usize = 64;

pub(crate) fn measure(world: &World) {
    let mut session =
        Session::begin("redis-writes", "With a server: writes of one client on a map of 100,000 entries");
    world.fill("writes", ENTRIES);
    let client = world.client();
    let map = world.join(&client, "writes");
    at_once(world, &mut session, &map);
    one_after_another(world, &mut session, &map);
    batches(world, &mut session, &map);
    drop(map);
    world.runtime.block_on(client.close());
    session.finish();
}

fn at_once(world: &World, session: &mut Session, map: &Map) {
    let total = unless_quick(20_000, 1_000);
    let (fred, hash) = (fred_alone::connect(world), fred_alone::load_empty_script(world));
    let [ours, its] = take_turns(
        rounds(),
        [&mut || world.runtime.block_on(sets_at_once(map, total)), &mut || {
            world.runtime.block_on(rate(total, |numbers| {
                let (fred, hash) = (fred.clone(), hash.clone());
                async move {
                    for _ in numbers {
                        fred_alone::call_empty_script(&fred, &hash).await;
                    }
                }
            }))
        }],
    );
    fred_alone::close(world, &fred);
    session.add(
        Figure::more("sets, 64 at once", "/s", ours)
            .entries(ENTRIES)
            .beside("fred, empty script", its)
            .ratio_target(0.9),
    );
}

/// Sets a second, by 64 concurrent callers.
pub(crate) async fn sets_at_once(map: &Map, total: usize) -> f64 {
    let keys = Arc::new(shuffled_keys(ENTRIES));
    rate(total, |numbers| {
        let (map, keys) = (map.clone(), Arc::clone(&keys));
        async move {
            for number in numbers {
                map.set(keys[number % keys.len()], value(number as u64)).await.unwrap();
            }
        }
    })
    .await
}

/// Calls a second, by 64 concurrent callers. `caller` receives the numbers of its calls.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    total: usize,
    caller: impl Fn(StepBy<Range<usize>>) -> F,
) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for first in 0..CALLERS {
        callers.spawn(caller((first..total).step_by(CALLERS)));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    total as f64 / start.elapsed().as_secs_f64()
}

fn one_after_another(world: &World, session: &mut Session, map: &Map) {
    let (fred, hash) = (fred_alone::connect(world), fred_alone::load_empty_script(world));
    let count = unless_quick(2_000, 200);
    let quantiles = [("p50", 0.5, 1.1), ("p99", 0.99, 1.1)];
    let mut ours = quantiles.map(|_| Vec::new());
    let mut its = quantiles.map(|_| Vec::new());
    for _ in 0..rounds() {
        let sets = world.runtime.block_on(latencies(count, async |number| {
            map.set(key(number * 7_919 % ENTRIES), value(number)).await.unwrap();
        }));
        let calls = world
            .runtime
            .block_on(latencies(count, async |_| fred_alone::call_empty_script(&fred, &hash).await));
        for (at, (_, quantile, _)) in quantiles.iter().enumerate() {
            ours[at].push(sets.value_at_quantile(*quantile) as f64 / 1e3);
            its[at].push(calls.value_at_quantile(*quantile) as f64 / 1e3);
        }
    }
    fred_alone::close(world, &fred);
    for (((name, _, target), ours), its) in quantiles.into_iter().zip(ours).zip(its) {
        session.add(
            Figure::less(format!("sets, one after another, {name}"), "us", ours)
                .entries(ENTRIES)
                .beside("fred, empty script", its)
                .ratio_target(target),
        );
    }
}

async fn latencies(count: u64, mut call: impl AsyncFnMut(u64)) -> Histogram<u64> {
    let mut nanos = Histogram::new(3).unwrap();
    for number in 0..count {
        let start = Instant::now();
        call(number).await;
        nanos.record(u64::try_from(start.elapsed().as_nanos()).unwrap()).unwrap();
    }
    nanos
}

/// Measures 64 sets at a time: as a batch, concurrently, and sequentially.
fn batches(world: &World, session: &mut Session, map: &Map) {
    let times = unless_quick(200, 5);
    let [batches, at_once, in_turn] = take_turns(
        rounds(),
        [
            &mut || world.runtime.block_on(in_batches(map, times)),
            &mut || world.runtime.block_on(sets_at_once(map, times * CALLERS)),
            &mut || {
                let count = (times * CALLERS / 8) as u64;
                let start = Instant::now();
                world.runtime.block_on(latencies(count, async |number| {
                    map.set(key(number * 7_919 % ENTRIES), value(number)).await.unwrap();
                }));
                count as f64 / start.elapsed().as_secs_f64()
            },
        ],
    );
    session.add(
        Figure::more("keys set by batches of 64, one batch after another", "/s", batches.clone())
            .entries(ENTRIES)
            .beside("single sets, one after another", in_turn)
            .ratio_target(4.0),
    );
    session.add(
        Figure::more("keys set by batches of 64, again", "/s", batches)
            .entries(ENTRIES)
            .beside("single sets, 64 at once", at_once),
    );
}

async fn in_batches(map: &Map, times: usize) -> f64 {
    let start = Instant::now();
    for time in 0..times {
        let mut batch = map.batch();
        for number in 0..CALLERS {
            let number = (time * CALLERS + number) as u64;
            batch = batch.set(key(number * 7_919 % ENTRIES), value(number));
        }
        assert!(batch.commit().await.unwrap().applied);
    }
    (times * CALLERS) as f64 / start.elapsed().as_secs_f64()
}
