//! Threads that look up keys concurrently.

use std::sync::Barrier;
use std::thread;

use crate::data::Key;
use crate::timing::{Cycle, look_up};

/// Millions of lookups a second of all threads together, one thread for each reader. The threads start at the same
/// moment, far apart in the keys.
///
/// # Panics
///
/// When no key is found.
pub fn together<R: Send, const N: usize>(
    keys: &[Key],
    readers: [R; N],
    look: impl Fn(&R, &[u8]) -> usize + Sync,
) -> f64 {
    let barrier = Barrier::new(N);
    let rates = thread::scope(|scope| {
        let start = |(number, reader): (usize, R)| {
            let (barrier, look) = (&barrier, &look);
            scope.spawn(move || {
                let mut keys = Cycle::new(keys, number * keys.len() / N);
                barrier.wait();
                look_up(&mut keys, |key| look(&reader, key))
            })
        };
        let running: Vec<_> = readers.into_iter().enumerate().map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    rates.iter().map(|nanos| 1e3 / nanos).sum()
}
