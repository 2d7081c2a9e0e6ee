//! Deterministic simulation: replicas behind faulty links over the model of the authority, in virtual time.
//!
//! A history is a list of steps drawn from a seed. After every step the invariants hold; after the faults end every
//! replica equals the authority within bounded virtual time. A failure prints the seed, the shrunk history, and the
//! command that replays it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod authority;
mod link;
mod node;
mod scenario;
mod world;

use std::env;
use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use scenario::{SCENARIOS, Scenario, Step};
use world::{Tally, World};

/// Histories per scenario that every test run plays.
const HISTORIES: u64 = 150;

/// Plays one history; an error says which invariant broke, and at which step.
fn play(scenario: &Scenario, seed: u64, steps: &[Step]) -> Result<Tally, String> {
    let run = || {
        let mut world = World::new(scenario, seed);
        for (number, step) in steps.iter().enumerate() {
            world.take(step).map_err(|broken| format!("step {number}, {step:?}: {broken}"))?;
        }
        world.settle().map_err(|broken| format!("after the faults: {broken}"))?;
        Ok(world.tally())
    };
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic, printed above".to_owned()))
}

/// Leaves out steps, fewer and fewer at a time, as long as the history still fails.
fn shrink(scenario: &Scenario, seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if play(scenario, seed, &fewer).is_err() {
                steps = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    steps
}

fn check(scenario: &Scenario, seed: u64) -> Tally {
    let steps = scenario.draw(seed);
    let Err(broken) = play(scenario, seed, &steps) else {
        return play(scenario, seed, &steps).expect("a history plays the same way twice");
    };
    let shrunk = shrink(scenario, seed, steps);
    let broken = play(scenario, seed, &shrunk).err().unwrap_or(broken);
    let mut report =
        format!("{}, seed {seed}: {broken}\nthe history, shrunk to {} steps:\n", scenario.name, shrunk.len());
    for step in &shrunk {
        let _ = writeln!(report, "  {step:?}");
    }
    let name = scenario.name.replace(' ', "_");
    panic!("{report}replay: RMAP_SIM_SEED={seed} cargo test -p rmap-core --test simulation {name}");
}

/// The seeds to play: the one asked for, or the fixed ones.
fn seeds() -> Vec<u64> {
    match env::var("RMAP_SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("RMAP_SIM_SEED is a number")],
        Err(_) => (0..HISTORIES).collect(),
    }
}

fn scenario(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a known scenario")
}

fn play_all(name: &str) {
    for seed in seeds() {
        check(scenario(name), seed);
    }
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { play_all($name); })*

        #[test]
        fn every_scenario_is_a_test() {
            let tested = [$($name),*];
            assert!(SCENARIOS.iter().all(|scenario| tested.contains(&scenario.name)));
        }
    };
}

scenarios! {
    no_fault: "no fault",
    cut_links: "cut links",
    slow_joins: "slow joins",
    reported_loss: "reported loss",
    silent_loss: "silent loss",
    garbled: "garbled",
    slow_replies: "slow replies",
    wipes: "wipes",
    close_lives: "close lives",
    wipes_with_go: "wipes with go",
    expiry: "expiry",
    scans: "scans",
    scans_with_wipes: "scans with wipes",
    failover: "failover",
    attached_failover: "attached failover",
    behind_the_back: "behind the back",
    everything: "everything",
}

/// Plays fresh seeds for as many seconds as asked for: `just sim SECONDS`.
#[test]
#[expect(clippy::disallowed_methods, reason = "how long to play is real time")]
fn fresh_seeds() {
    let Ok(seconds) = env::var("RMAP_SIM_SECONDS") else { return };
    let end = Instant::now() + Duration::from_secs(seconds.parse().expect("RMAP_SIM_SECONDS is a number"));
    // The only chance in a history is its seed, and this is where fresh ones come from.
    let first = RandomState::new().build_hasher().finish() >> 16;
    let (mut histories, mut tally) = (0u64, Tally::default());
    for seed in first.. {
        if Instant::now() >= end {
            break;
        }
        for scenario in SCENARIOS {
            tally.add(&check(scenario, seed));
            histories += 1;
        }
    }
    println!("seeds from {first}: {histories} histories, {} steps\n{tally}", tally.steps);
}
