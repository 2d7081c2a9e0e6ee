//! Waits for revisions that are already visible, and for own writes.

use std::time::Instant;

use hdrhistogram::Histogram;
use rmap_bench::data::{key, value};
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{micros, rounds, take_turns, unless_quick};
use rmap_client::{Map, Revision};
use tokio::task::JoinSet;

use crate::fred_alone;
use crate::world::World;

const ENTRIES: u64 = 100_000;
const CALLERS: u64 = 64;

pub(crate) fn measure(world: &World) {
    let mut session = Session::begin("redis-waits", "With a server: waits on a map of 100,000 entries");
    world.fill("waits", ENTRIES);
    let client = world.client();
    let map = world.join(&client, "waits");
    let closed = world.join(&client, "waits");
    world.runtime.block_on(closed.close());
    shown(world, &mut session, &map, &closed);
    own(world, &mut session, &map);
    drop(map);
    world.runtime.block_on(client.close());
    session.finish();
}

/// Waits for a visible revision. The map asks the server whether the revision belongs to this life; a closed map asks
/// nothing.
fn shown(world: &World, session: &mut Session, map: &Map, closed: &Map) {
    let (fred, hash) = (fred_alone::connect(world), fred_alone::load_empty_script(world));
    let count = unless_quick(2_000, 100);
    let revision = map.revision();
    let wait = async |_| map.wait_for(revision).await.unwrap();
    let [waits, calls, judged, many] = take_turns(
        rounds(),
        [
            &mut || world.runtime.block_on(median(count, wait)),
            &mut || {
                world
                    .runtime
                    .block_on(median(count, async |_| fred_alone::call_empty_script(&fred, &hash).await))
            },
            &mut || {
                let wait = async |_| closed.wait_for(revision).await.unwrap();
                1e3 * world.runtime.block_on(median(count, wait))
            },
            &mut || world.runtime.block_on(at_once(map, revision, count)),
        ],
    );
    fred_alone::close(world, &fred);
    session.add(
        Figure::less("wait_for a revision that is shown, p50", "us", waits)
            .entries(ENTRIES)
            .beside("fred, empty script", calls),
    );
    session.add(Figure::more("the same, 64 at once", "/s", many).entries(ENTRIES));
    session.add(Figure::less("the same on a closed map, which asks nothing", "ns", judged).entries(ENTRIES));
}

async fn at_once(map: &Map, revision: Option<Revision>, count: u64) -> f64 {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let map = map.clone();
        callers.spawn(async move {
            for _ in 0..count {
                map.wait_for(revision).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    (count * CALLERS) as f64 / start.elapsed().as_secs_f64()
}

fn own(world: &World, session: &mut Session, map: &Map) {
    let count = unless_quick(2_000, 100);
    let set = async |number: u64| {
        let (key, value) = (key(number * 7_919 % ENTRIES), value(number));
        map.set(key, value).await.unwrap().revision
    };
    let [both, one, alone] = take_turns(
        rounds(),
        [
            &mut || {
                world.runtime.block_on(median(count, async |number| {
                    let revision = set(number).await;
                    map.wait_for(revision).await.unwrap();
                }))
            },
            &mut || {
                world.runtime.block_on(median(count, async |number| {
                    let (key, value) = (key(number * 7_919 % ENTRIES), value(number));
                    map.set_and_wait(key, value).await.unwrap();
                }))
            },
            &mut || {
                world.runtime.block_on(median(count, async |number| {
                    set(number).await;
                }))
            },
        ],
    );
    session.add(
        Figure::less("set, then wait_for, p50", "us", both)
            .entries(ENTRIES)
            .beside("set alone", alone.clone()),
    );
    session.add(Figure::less("set_and_wait, p50", "us", one).entries(ENTRIES).beside("set alone", alone));
}

/// The median of some calls, one after another, in microseconds.
async fn median(count: u64, mut call: impl AsyncFnMut(u64)) -> f64 {
    let mut nanos = Histogram::<u64>::new(3).unwrap();
    for number in 0..count {
        let start = Instant::now();
        call(number).await;
        nanos.record((micros(start.elapsed()) * 1e3) as u64).unwrap();
    }
    nanos.value_at_quantile(0.5) as f64 / 1e3
}
