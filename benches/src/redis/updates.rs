//! Several callers who change one key at the same time.

use std::time::Instant;

use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{rounds, take_turns, unless_quick};
use rmap_client::{Error, Map, Value};
use tokio::task::JoinSet;

use crate::world::World;

const CALLERS: u64 = 8;

const KEY: &str = "counter";

pub(crate) fn measure(world: &World) {
    let count = unless_quick(250, 10);
    let mut session =
        Session::begin("redis-updates", "With a server: 8 callers update one key, in a loop without a pause");
    let (client, other) = (world.client(), world.client());
    let map = world.join(&client, "updates");
    let second = world.join(&other, "updates");
    let both = [map.clone(), second];
    let one = [map.clone(), map];
    let [ours, by_hand, far, far_by_hand] = take_turns(
        rounds(),
        [
            &mut || world.runtime.block_on(at_once(&one, count, update)),
            &mut || world.runtime.block_on(at_once(&one, count, loop_by_hand)),
            &mut || world.runtime.block_on(at_once(&both, count, update)),
            &mut || world.runtime.block_on(at_once(&both, count, loop_by_hand)),
        ],
    );
    let beside = "test_and_set and wait_for by hand";
    session.add(Figure::more("update of one key by 8 callers", "/s", ours).beside(beside, by_hand));
    session.add(
        Figure::more("the same by 4 callers each of two clients", "/s", far).beside(beside, far_by_hand),
    );
    drop((one, both));
    world.runtime.block_on(client.close());
    world.runtime.block_on(other.close());
    session.finish();
}

/// Updates a second, of which none is lost.
async fn at_once<F: Future<Output = ()> + Send + 'static>(
    maps: &[Map; 2],
    count: u64,
    call: impl Fn(Map) -> F + Copy + Send + 'static,
) -> f64 {
    maps[0].reset().await.unwrap();
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let map = maps[number as usize % 2].clone();
        callers.spawn(async move {
            for _ in 0..count {
                call(map.clone()).await;
            }
        });
    }
    callers.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    maps[0].sync().await.unwrap();
    assert_eq!(maps[0].get(KEY).unwrap(), &*(count * CALLERS).to_string());
    (count * CALLERS) as f64 / seconds
}

fn one_more(old: Option<&Value>) -> String {
    let number: u64 = old.map_or(0, |old| old.as_str().unwrap().parse().unwrap());
    (number + 1).to_string()
}

/// An update that was given up begins again, and counts once.
async fn update(map: Map) {
    loop {
        match map.update(KEY, |old| Some(one_more(old))).await {
            Ok(_) => return,
            Err(Error::Contended { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The loop of a user who has no `update`.
async fn loop_by_hand(map: Map) {
    loop {
        let old = map.get(KEY);
        let new = one_more(old.as_ref());
        let attempt = match old {
            Some(old) => map.test_and_set(KEY, &old, new).await.unwrap(),
            None => map.set_if_not_exists(KEY, new).await.unwrap(),
        };
        if attempt.applied {
            return;
        }
        map.wait_for(attempt.revision).await.unwrap();
    }
}
