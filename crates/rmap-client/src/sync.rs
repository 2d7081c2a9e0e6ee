//! Locks that ignore poisoning: no state of ours is left half changed by a panic.
//!
//! The tests of interleavings run on the locks of shuttle, which let a scheduler of theirs decide who goes on: `just
//! interleavings`. An `Arc` needs no decision there, and is that of std.

use std::sync::PoisonError;

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(all(test, shuttle))]
pub(crate) mod interleavings;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
