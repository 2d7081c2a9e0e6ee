//! Cost of each script in the server's processor time, with calls without a pause.

mod cases;

use rmap_bench::figure::Figure;
use rmap_bench::session::Session;
use rmap_bench::timing::unless_quick;

use crate::raw::Raw;
use crate::world::{World, fill};
use cases::{Case, MAP, cases};

const ENTRIES: u64 = 100_000;

pub(crate) fn measure(world: &World) {
    let mut session = Session::begin(
        "redis-scripts",
        "With a server: its processor time for one call (for one key, in batches), calls without a pause",
    );
    let mut raw = world.raw();
    let calls = unless_quick(10_000, 500);
    let cases = cases(&mut raw);
    let mut costs = vec![Vec::new(); cases.len()];
    // The first round does not count. It warms up the server and creates the counted keys.
    for round in 0..=unless_quick(5, 2) {
        fill(&mut raw, MAP, ENTRIES, rmap_bench::data::value);
        let mut turns: Vec<usize> = (0..cases.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let cost = cost(&mut raw, &cases[turn], calls);
            if round > 0 {
                costs[turn].push(cost);
            }
        }
    }
    add(&mut session, &cases, &costs);
    session.finish();
}

/// Microseconds of the server for one call, or for one key if a call handles several.
fn cost(raw: &mut Raw, case: &Case, calls: u64) -> f64 {
    let calls = (calls / case.weight).max(10);
    if let Some(value) = case.afresh {
        fill(raw, case.map, ENTRIES, value);
    }
    let commands: Vec<Vec<u8>> = (0..calls).map(|number| (case.command)(number * 7_919 % ENTRIES)).collect();
    let before = raw.server_seconds();
    raw.pipeline(&commands, case.replies);
    (raw.server_seconds() - before) * 1e6 / (calls * case.keys) as f64
}

/// Adds the figures. `set` has its own counterpart, and all others stand beside the empty script.
fn add(session: &mut Session, cases: &[Case], costs: &[Vec<f64>]) {
    let of = |name: &str| {
        let at = cases.iter().position(|case| case.name == name).unwrap();
        costs[at].clone()
    };
    for (case, costs) in cases.iter().zip(costs) {
        let figure =
            || Figure::less(format!("server: {}", case.name), "us", costs.clone()).entries(case.entries);
        match case.name {
            "empty script" => session.add(figure()),
            "set" => {
                session.add(figure().beside("set Pulse's way", of("set Pulse's way")).ratio_target(1.0));
                let floor = Figure::less("server: set, beside the floor", "us", costs.clone());
                session.add(floor.entries(case.entries).beside("HSET and PUBLISH", of("HSET and PUBLISH")));
            }
            "set, batches of 64" => session.add(figure().beside("set", of("set"))),
            _ => session.add(figure().beside("empty script", of("empty script"))),
        }
    }
}
