//! Joins, beside reading the same hash in pages and dropping them. Also the time for which the server is blocked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use fred::clients::Client as Fred;
use rmap_bench::data::SIZES;
use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::{millis, rounds, take_turns, unless_quick};

use crate::fred_alone;
use crate::raw::{Raw, Reply};
use crate::world::World;

/// Fields of a page of bare HSCAN: twice as many as in a replica's pages, because a replica has two pages in flight.
const PAGE: usize = 1_000;

/// Number of entries in the measurement of blocking.
const LARGEST: u64 = SIZES[3];

pub(crate) fn measure(world: &World) {
    let mut session =
        Session::begin("redis-join", "With a server: joining a map, from the call until it is live");
    let fred = fred_alone::connect(world);
    for entries in SIZES {
        world.fill(&name(entries), entries);
        let rounds = if entries == LARGEST { unless_quick(4, 1) } else { rounds() };
        let [joins, scans] =
            take_turns(rounds, [&mut || join(world, entries), &mut || scan(world, &fred, entries)]);
        let figure = Figure::less("join", "ms", joins).entries(entries).beside("fred, HSCAN in pages", scans);
        session.add(if entries == LARGEST { figure.ratio_target(1.5) } else { figure });
        blocked(world, &mut session, &fred, entries);
    }
    fred_alone::close(world, &fred);
    session.finish();
}

fn name(entries: u64) -> String {
    format!("join-{entries}")
}

/// Joins with a client without other maps. The time to drop the map is not counted.
fn join(world: &World, entries: u64) -> f64 {
    let client = world.client();
    let start = Instant::now();
    let map = world.join(&client, &name(entries));
    let elapsed = start.elapsed();
    assert_eq!(map.len() as u64, entries);
    world.runtime.block_on(client.close());
    millis(elapsed)
}

fn scan(world: &World, fred: &Fred, entries: u64) -> f64 {
    let hash = format!("map:{}:content", name(entries));
    let start = Instant::now();
    let fields = world.runtime.block_on(fred_alone::scan(fred, &hash, PAGE));
    let elapsed = start.elapsed();
    assert!(fields as u64 >= entries);
    millis(elapsed)
}

/// Measures the delay of other users during a join. Runs separately, because measuring takes a part of the machine.
fn blocked(world: &World, session: &mut Session, fred: &Fred, entries: u64) {
    if entries < 100_000 {
        return;
    }
    let (mut joins, mut scans) = (Noticed::default(), Noticed::default());
    for _ in 0..unless_quick(3, 1) {
        joins.watch(world, || {
            join(world, entries);
        });
        scans.watch(world, || {
            scan(world, fred, entries);
        });
    }
    let scan = "HSCAN in pages";
    session.add(
        Figure::less("longest command while joining (SLOWLOG)", "ms", joins.command)
            .entries(entries)
            .beside(scan, scans.command)
            .figure_target(5.0),
    );
    session.add(
        Figure::less("longest event (LATENCY)", "ms", joins.event)
            .entries(entries)
            .beside(scan, scans.event)
            .figure_target(5.0),
    );
    session.add(
        Figure::less("longest PING of another client", "ms", joins.ping)
            .entries(entries)
            .beside(scan, scans.ping),
    );
}

/// The longest times of each run, in milliseconds.
#[derive(Default)]
struct Noticed {
    command: Vec<f64>,
    event: Vec<f64>,
    ping: Vec<f64>,
}

impl Noticed {
    fn watch(&mut self, world: &World, run: impl FnOnce()) {
        let mut raw = world.raw();
        raw.command(&["CONFIG", "SET", "slowlog-log-slower-than", "50", "slowlog-max-len", "100000"]);
        raw.command(&["CONFIG", "SET", "latency-monitor-threshold", "1"]);
        raw.command(&["SLOWLOG", "RESET"]);
        raw.command(&["LATENCY", "RESET"]);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let pings = scope.spawn(|| longest_ping(world.raw(), &stop));
            run();
            stop.store(true, Ordering::Relaxed);
            self.ping.push(pings.join().unwrap());
        });
        let slow = raw.command(&["SLOWLOG", "GET", "-1"]);
        self.command.push(greatest(&slow, 2) / 1e3);
        self.event.push(greatest(&raw.command(&["LATENCY", "LATEST"]), 3));
    }
}

/// The greatest number at this place of the entries. 0 without entries.
fn greatest(entries: &Reply, place: usize) -> f64 {
    entries.items().iter().map(|entry| entry.items()[place].int()).max().unwrap_or_default() as f64
}

fn longest_ping(mut raw: Raw, stop: &AtomicBool) -> f64 {
    let mut longest = 0.0_f64;
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        raw.command(&["PING"]);
        longest = longest.max(millis(start.elapsed()));
    }
    longest
}
