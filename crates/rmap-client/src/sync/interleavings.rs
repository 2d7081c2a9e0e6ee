//! Feeds, inboxes and watches under schedulers that explore the orders of their threads.

mod feeds;
mod inboxes;
mod watches;

use std::env;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Greatest number of forced thread switches in one execution of the second scheduler.
const DEPTH: usize = 4;

/// Runs `test` in many orders: at random, and under a scheduler that finds, with known probability, every error that
/// needs so many thread switches (PCT). A thread that waits for ever is an error.
fn check(test: impl Fn() + Copy + Send + Sync + 'static) {
    let number = |name| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let orders = number("RMAP_ORDERS").unwrap_or(1000);
    let seed = number("RMAP_ORDERS_SEED").unwrap_or(1);
    println!("RMAP_ORDERS={orders} RMAP_ORDERS_SEED={seed}");
    let orders = usize::try_from(orders).expect("a small number");
    Runner::new(RandomScheduler::new_from_seed(seed, orders), Config::default()).run(test);
    Runner::new(PctScheduler::new_from_seed(seed, DEPTH, orders), Config::default()).run(test);
}
