//! Deterministic simulation: replicas behind faulty links over the model of the authority, in virtual time.
//!
//! A seed decides which faults take part in its history, and the history itself. The invariants hold after every step.
//! After the faults end, every replica equals the authority within a bounded virtual time. A failure prints the seed,
//! the shrunk history, and the command that replays it. New faults are rows of `fault.rs`.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod fault;
mod heard;
mod link;
mod meter;
mod node;
mod plan;
mod play;
mod server;
mod settings;
mod store;
mod tally;
mod watch;
mod world;

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use fault::{Action, Blur};
use play::{Kind, play_all};
use tally::Tally;

/// Number of seeds in every test run: of the swarm, and of each kind that only checks the end.
const SEEDS: u64 = 2000;
const SEEDS_OF_ENDS: u64 = 150;
const SEEDS_OF_RESTARTS: u64 = 600;

const SWARM: Kind = Kind { test: "the_swarm", forced: None };

/// Kinds that only check the end.
const ENDS: &[Kind] = &[
    Kind { test: "attached_failovers", forced: Some(Action::AttachedFailover) },
    Kind { test: "writes_past_the_map", forced: Some(Action::Behind) },
    Kind { test: "forged_notifications", forced: Some(Action::Forge) },
    Kind { test: "restored_copies", forced: Some(Action::Restore) },
];

/// Processes that restart with a stored content, of large maps above all.
const RESTARTS: Kind = Kind { test: "restarts_with_a_store", forced: Some(Action::Restart) };

/// The seed to replay, if the environment names one.
fn replayed() -> Option<Vec<u64>> {
    env::var("RMAP_SIM_SEED").ok().map(|seed| vec![seed.parse().expect("RMAP_SIM_SEED is a number")])
}

#[test]
fn the_swarm_keeps_the_promises_and_reaches_everything() {
    if let Some(seed) = replayed() {
        play_all(SWARM, &seed);
        return;
    }
    let tally = play_all(SWARM, &(0..SEEDS).collect::<Vec<_>>());
    println!("{tally}");
    assert_eq!(tally.missing(), Vec::new(), "no seed reaches them: the generator is too weak");
}

fn play_ends(test: &str) {
    let kind = *ENDS.iter().find(|kind| kind.test == test).expect("a kind of this name");
    let seeds = replayed().unwrap_or_else(|| (0..SEEDS_OF_ENDS).collect());
    play_all(kind, &seeds);
}

#[test]
fn restarts_with_a_store() {
    let seeds = replayed().unwrap_or_else(|| (0..SEEDS_OF_RESTARTS).collect());
    let tally = play_all(RESTARTS, &seeds);
    println!("{tally}");
    let missing = tally::STORED.iter().filter(|name| !tally.has(("stored content", name)));
    assert!(
        seeds.len() == 1 || missing.clone().count() == 0,
        "no seed reaches {:?}",
        missing.collect::<Vec<_>>()
    );
}

#[test]
fn attached_failovers() {
    play_ends("attached_failovers");
}

#[test]
fn writes_past_the_map() {
    play_ends("writes_past_the_map");
}

#[test]
fn forged_notifications() {
    play_ends("forged_notifications");
}

#[test]
fn restored_copies() {
    play_ends("restored_copies");
}

#[test]
fn whatever_leaves_only_the_end_to_check_is_a_kind_of_its_own() {
    let forced: Vec<_> = ENDS.iter().filter_map(|kind| kind.forced).collect();
    let blurred = Action::ROWS.iter().filter(|row| row.blur == Blur::States);
    assert_eq!(blurred.map(|row| row.what).collect::<Vec<_>>(), forced);
}

/// Plays fresh seeds for a number of seconds: `just sim SECONDS`.
#[test]
#[expect(clippy::disallowed_methods, reason = "how long to play is real time")]
fn fresh_seeds() {
    let Ok(seconds) = env::var("RMAP_SIM_SECONDS") else { return };
    let end = Instant::now() + Duration::from_secs(seconds.parse().expect("RMAP_SIM_SECONDS is a number"));
    // The seed is the only randomness of a history, and fresh seeds come from here.
    let first = RandomState::new().build_hasher().finish() >> 16;
    let (mut next, mut tally) = (first, Tally::default());
    while Instant::now() < end {
        tally.add(&play_all(SWARM, &(next..next + 400).collect::<Vec<_>>()));
        for kind in ENDS.iter().chain([&RESTARTS]) {
            tally.add(&play_all(*kind, &(next..next + 30).collect::<Vec<_>>()));
        }
        next += 400;
    }
    println!("seeds from {first}: {tally}");
}
