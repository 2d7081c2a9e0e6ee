//! Rounds that take turns, and loops that are long enough for the clock.

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::data::{FIRST_BYTE, Key};
use crate::notifications::{Notifications, Payload};

/// True for a trial run, whose figures are worthless.
#[must_use]
pub fn is_quick() -> bool {
    env::var_os("RMAP_BENCH_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Number of rounds of each contender.
#[must_use]
pub fn rounds() -> usize {
    if is_quick() { 2 } else { 7 }
}

/// Duration of a round of a tight loop.
#[must_use]
pub fn round_time() -> Duration {
    Duration::from_millis(if is_quick() { 2 } else { 25 })
}

/// Returns `full`, or `quick` for a trial run.
#[must_use]
pub fn unless_quick<T>(full: T, quick: T) -> T {
    if is_quick() { quick } else { full }
}

/// Lets contenders take turns, after one uncounted turn of each.
///
/// Every other round runs in reverse order, so that no contender always follows the same one.
pub fn take_turns<const N: usize>(
    rounds: usize,
    mut contenders: [&mut dyn FnMut() -> f64; N],
) -> [Vec<f64>; N] {
    let mut results = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for contender in &mut contenders {
        contender();
    }
    for round in 0..rounds {
        for step in 0..N {
            let turn = if round % 2 == 0 { step } else { N - 1 - step };
            results[turn].push(contenders[turn]());
        }
    }
    results
}

/// Number of lookups timed together.
const CHUNK: usize = 1_000;

/// Looks up keys for the time of a round. Returns nanoseconds per lookup.
///
/// An equally long warm-up comes first and does not count, so that the previous contender leaves the cache. The lookups
/// do not depend on each other, so a processor may work on several at once.
///
/// # Panics
///
/// When no key is found.
pub fn look_up(keys: &mut Cycle<'_>, mut look: impl FnMut(&[u8]) -> usize) -> f64 {
    let chunk = |keys: &[Key]| keys.iter().map(|key| look(black_box(key))).sum();
    twice(keys, chunk)
}

/// Like [`look_up`], but the next key depends on the previous value, as far as the processor knows.
///
/// # Panics
///
/// When a key is not found.
pub fn look_up_in_sequence(keys: &mut Cycle<'_>, mut look: impl FnMut(&[u8]) -> usize) -> f64 {
    let chunk = |keys: &[Key]| {
        let mut byte = FIRST_BYTE;
        (0..keys.len()).for_each(|at| byte = look(black_box(&keys[at + byte - FIRST_BYTE])));
        byte
    };
    twice(keys, chunk)
}

fn twice(keys: &mut Cycle<'_>, mut chunk: impl FnMut(&[Key]) -> usize) -> f64 {
    let least = round_time();
    let mut timed = || {
        let (mut count, start) = (0, Instant::now());
        loop {
            let keys = keys.chunk();
            assert_ne!(black_box(chunk(keys)), 0, "no key was found");
            count += keys.len();
            let elapsed = start.elapsed();
            if elapsed >= least {
                return nanos(elapsed) / count as f64;
            }
        }
    };
    timed();
    timed()
}

/// Applies notifications in groups for the time of a round, after an equally long warm-up. Returns millions a second.
pub fn apply(notifications: &mut Notifications<'_>, group: usize, mut apply: impl FnMut(&[Payload])) -> f64 {
    let least = round_time();
    let mut timed = || {
        let (mut count, mut time) = (0, Duration::ZERO);
        while time < least {
            let payloads = notifications.take(group);
            let start = Instant::now();
            apply(&payloads);
            time += start.elapsed();
            count += group;
        }
        count as f64 / time.as_secs_f64() / 1e6
    };
    timed();
    timed()
}

/// Repeats a call for the time of a round, at least once. Returns nanoseconds per call.
pub fn repeat<T>(mut call: impl FnMut() -> T) -> f64 {
    let least = round_time();
    let (mut count, start) = (0, Instant::now());
    loop {
        black_box(call());
        count += 1;
        let elapsed = start.elapsed();
        if elapsed >= least {
            return nanos(elapsed) / f64::from(count);
        }
    }
}

/// The keys in the given order, over and over.
#[derive(Debug)]
pub struct Cycle<'a> {
    keys: &'a [Key],
    at: usize,
}

impl<'a> Cycle<'a> {
    /// Begins at a part of the keys, so that two cycles need not walk in step.
    #[must_use]
    pub const fn new(keys: &'a [Key], at: usize) -> Self {
        Self { keys, at }
    }

    /// All keys.
    #[must_use]
    pub const fn keys(&self) -> &'a [Key] {
        self.keys
    }

    /// The next keys.
    pub fn chunk(&mut self) -> &'a [Key] {
        if self.at >= self.keys.len() {
            self.at = 0;
        }
        let end = self.keys.len().min(self.at + CHUNK);
        let chunk = &self.keys[self.at..end];
        self.at = end;
        chunk
    }
}

/// Median time between two readings of the clock, in nanoseconds.
#[must_use]
pub fn clock_cost() -> f64 {
    let mut costs: Vec<f64> = (0..10_000)
        .map(|_| {
            let start = Instant::now();
            nanos(start.elapsed())
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}

/// A duration in nanoseconds.
#[must_use]
pub fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// A duration in microseconds.
#[must_use]
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A duration in milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
