//! Candidates for the content of a replica, with the same work: applying notifications, lookups and views.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure panics")]

mod contender;

use rmap_bench::bare;
use rmap_bench::contents::{LeftRight, LockFree, OneLock, Ours, Shards};
use rmap_bench::data::{Key, first_byte, shuffled_keys};
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{Cycle, look_up, repeat, rounds, take_turns};

use contender::{Contend, Contender, GROUP};

const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];

const CANDIDATES: usize = 5;

fn main() {
    let mut session = Session::begin(
        "content",
        "In memory: candidates for the content (left-right shows changes after every 64, papaya has no view)",
    );
    for entries in SIZES {
        compare(&mut session, entries);
    }
    session.finish();
}

fn compare(session: &mut Session, entries: u64) {
    let keys = shuffled_keys(entries);
    let writes: Vec<Key> = keys.iter().rev().copied().collect();
    let mut contenders: [Box<dyn Contend + '_>; CANDIDATES] = [
        Box::new(Contender::<Ours>::new(entries, &keys, &writes)),
        Box::new(Contender::<Shards>::new(entries, &keys, &writes)),
        Box::new(Contender::<OneLock>::new(entries, &keys, &writes)),
        Box::new(Contender::<LeftRight>::new(entries, &keys, &writes)),
        Box::new(Contender::<LockFree>::new(entries, &keys, &writes)),
    ];
    let names: [&str; CANDIDATES] = std::array::from_fn(|at| contenders[at].name());
    let table = bare::table(entries);

    let mut cycle = Cycle::new(&keys, 0);
    let mut bare = || look_up(&mut cycle, |key| table.get(key).map_or(0, |value| first_byte(value)));
    let (rows, floor) = with_floor(&mut contenders, |contender| contender.borrowed(), &mut bare);
    add(session, entries, names, "get borrowed", rows, Some(("bare table", floor)), |name, rows| {
        Figure::less(name, "ns", rows)
    });

    let mut cycle = Cycle::new(&keys, 0);
    let mut bare =
        || look_up(&mut cycle, |key| table.get(key).cloned().map_or(0, |value| first_byte(&value)));
    let (rows, floor) = with_floor(&mut contenders, |contender| contender.cloned(), &mut bare);
    add(session, entries, names, "get cloned", rows, Some(("bare table", floor)), |name, rows| {
        Figure::less(name, "ns", rows)
    });

    let rows = turns(&mut contenders, |contender| contender.two_readers());
    add(session, entries, names, "two reader threads", rows, None, |name, rows| {
        Figure::more(name, "M/s", rows)
    });

    let rows = turns(&mut contenders, |contender| contender.applied());
    add(session, entries, names, "applied", rows, None, |name, rows| Figure::more(name, "M/s", rows));

    let rows = turns(&mut contenders, |contender| contender.applied_with_views());
    let what = format!("applied, a view each {GROUP}");
    add(session, entries, names, &what, rows, None, |name, rows| Figure::more(name, "M/s", rows));

    let mut bare = || repeat(|| table.clone()) / 1e3;
    let (rows, floor) = with_floor(&mut contenders, |contender| contender.view(), &mut bare);
    add(session, entries, names, "view", rows, Some(("copy of a bare table", floor)), |name, rows| {
        Figure::less(name, "us", rows)
    });

    tails(session, entries, names, &mut contenders);
}

/// Measures reads beside a writer that never stops, and the writer's own speed.
fn tails(
    session: &mut Session,
    entries: u64,
    names: [&str; CANDIDATES],
    contenders: &mut [Box<dyn Contend + '_>; CANDIDATES],
) {
    let mut slowest: [Vec<f64>; CANDIDATES] = Default::default();
    let mut applied: [Vec<f64>; CANDIDATES] = Default::default();
    for _ in 0..rounds() {
        for (at, contender) in contenders.iter_mut().enumerate() {
            let tail = contender.tail();
            slowest[at].push(tail.at(0.999));
            applied[at].push(tail.applied / 1e6);
        }
    }
    add(session, entries, names, "get p99.9, saturated writer", slowest, None, |name, rows| {
        Figure::less(name, "ns", rows)
    });
    add(session, entries, names, "applied beside that reader", applied, None, |name, rows| {
        Figure::more(name, "M/s", rows)
    });
}

/// Adds a figure for each contender that supports it. Without a floor the first contender is the counterpart.
fn add(
    session: &mut Session,
    entries: u64,
    names: [&str; CANDIDATES],
    what: &str,
    rows: [Vec<f64>; CANDIDATES],
    floor: Option<(&str, Vec<f64>)>,
    figure: impl Fn(String, Vec<f64>) -> Figure,
) {
    let (beside, against) = floor.unwrap_or_else(|| (names[0], rows[0].clone()));
    for (name, rounds) in names.into_iter().zip(rows) {
        if rounds.iter().any(|round| round.is_nan()) {
            continue;
        }
        let figure = figure(format!("{name}: {what}"), rounds).entries(entries);
        session.add(if name == beside { figure } else { figure.beside(beside, against.clone()) });
    }
}

fn turns(
    contenders: &mut [Box<dyn Contend + '_>; CANDIDATES],
    run: fn(&mut (dyn Contend + '_)) -> f64,
) -> [Vec<f64>; CANDIDATES] {
    let [a, b, c, d, e] = contenders;
    take_turns(
        rounds(),
        [
            &mut || run(&mut **a),
            &mut || run(&mut **b),
            &mut || run(&mut **c),
            &mut || run(&mut **d),
            &mut || run(&mut **e),
        ],
    )
}

fn with_floor(
    contenders: &mut [Box<dyn Contend + '_>; CANDIDATES],
    run: fn(&mut (dyn Contend + '_)) -> f64,
    floor: &mut dyn FnMut() -> f64,
) -> ([Vec<f64>; CANDIDATES], Vec<f64>) {
    let [a, b, c, d, e] = contenders;
    let [a, b, c, d, e, floor] = take_turns(
        rounds(),
        [
            &mut || run(&mut **a),
            &mut || run(&mut **b),
            &mut || run(&mut **c),
            &mut || run(&mut **d),
            &mut || run(&mut **e),
            floor,
        ],
    );
    ([a, b, c, d, e], floor)
}
