//! Measurements that need a server: a private one on a free loopback port, without persistence.
//!
//! `bench-redis [PART...]` measures the named parts, or all. Counterparts are fred without rmap, or commands on a plain
//! connection, against the same server in turn.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure panics")]

mod fred_alone;
mod idle;
mod intake;
mod join;
mod propagation;
mod raw;
mod scripts;
mod stores;
mod updates;
mod waits;
mod world;
mod writes;

use std::env;

use world::World;

/// A part that is measured on a server of its own.
type Part = (&'static str, fn(&World));

/// Idling comes first, so that it shows the cost of this process before anything else has run.
const PARTS: [Part; 9] = [
    ("idle", idle::measure),
    ("writes", writes::measure),
    ("waits", waits::measure),
    ("propagation", propagation::measure),
    ("intake", intake::measure),
    ("scripts", scripts::measure),
    ("updates", updates::measure),
    ("join", join::measure),
    ("stores", stores::measure),
];

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    for name in &wanted {
        assert!(PARTS.iter().any(|(part, _)| part == name), "there is no part {name}");
    }
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            measure(&World::start());
        }
    }
}
