//! Faults: each begins, lasts a while, and is over when its function returns.

mod loss;
mod server;
mod way;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::account::Loss;

pub(crate) use server::strike as strike_server;
pub(crate) use way::strike as strike_way;

pub(crate) const HASH: &str = "map:chaos:content";
pub(crate) const CHANNEL: &str = "map:chaos:updates";

/// The clients' user, who can lose rights.
pub(crate) const USER: &str = "service";

/// What faults did, in order.
#[derive(Debug, Default)]
pub(crate) struct Log {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    losses: Mutex<Vec<Loss>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.counts).clone()
    }

    pub(crate) fn losses(&self) -> Vec<Loss> {
        lock(&self.losses).clone()
    }

    fn count(&self, fault: &'static str) {
        *lock(&self.counts).entry(fault).or_default() += 1;
    }

    fn lose(&self, loss: Loss) {
        lock(&self.losses).push(loss);
    }
}

/// One of these, as often as its weight says.
fn draw<T: Copy>(faults: &[(u32, T)], random: &mut Rng) -> T {
    let mut left = random.u32(..faults.iter().map(|(weight, _)| weight).sum::<u32>());
    for (weight, fault) in faults {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *fault,
        }
    }
    unreachable!("less than the sum of all weights")
}

/// Sleeps for a while, in milliseconds.
fn last(range: std::ops::Range<u64>, random: &mut Rng) {
    thread::sleep(Duration::from_millis(random.u64(range)));
}
