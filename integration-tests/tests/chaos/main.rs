//! Several clients of one server, each over its own way, with every fault at random. In the end every replica equals
//! the server, and the ledger of all writes explains the content.
//!
//! `just chaos SECONDS` plays for that long; without it the tests play for a short time. A seed decides the faults and
//! writes, but not how they meet. A failure may therefore need more than one replay.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod account;
mod fault;
mod follower;
mod ledger;
mod report;
mod visitor;
mod world;
mod writer;

use std::env;
use std::time::Duration;

use world::World;

const SECONDS: u64 = 10;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_and_ledger_agree_after_chaos() {
    let seconds = setting("RMAP_CHAOS_SECONDS").unwrap_or(SECONDS);
    let seed = setting("RMAP_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_CHAOS_SEED={seed} just chaos {seconds}");
    let mut world = World::new(seed).await;
    world.play(Duration::from_secs(seconds)).await;
    world.end().await;
}
