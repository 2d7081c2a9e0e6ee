//! Faults: each begins, lasts a while, and is over when its function returns.

mod client;
mod foreign;
mod loss;
mod server;
mod way;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::account::Loss;
use crate::ledger::Entry;

pub(crate) use client::{Sleeper, strike as strike_client};
pub(crate) use server::strike as strike_server;
pub(crate) use way::strike as strike_way;

pub(crate) const HASH: &str = "map:chaos:content";
pub(crate) const CHANNEL: &str = "map:chaos:updates";

/// The clients' user, who can lose rights.
pub(crate) const USER: &str = "service";

/// A fault and the time during which it lasted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

/// The faults so far, in order.
#[derive(Debug, Default)]
pub(crate) struct Log {
    faults: Mutex<Vec<Fault>>,
    losses: Mutex<Vec<Loss>>,
    /// Writes of other programs.
    entries: Mutex<Vec<Entry>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        lock(&self.faults).iter().for_each(|fault| *counts.entry(fault.name).or_default() += 1);
        counts
    }

    pub(crate) fn losses(&self) -> Vec<Loss> {
        lock(&self.losses).clone()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    /// Runs the fault and records its time.
    fn note(&self, name: &'static str, fault: impl FnOnce()) {
        let began = Instant::now();
        fault();
        lock(&self.faults).push(Fault { name, began, ended: Instant::now() });
    }

    fn lose(&self, loss: Loss) {
        lock(&self.losses).push(loss);
    }

    fn write(&self, entry: Entry) {
        lock(&self.entries).push(entry);
    }
}

/// Draws one of the faults by weight.
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
