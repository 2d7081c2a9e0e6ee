//! Locks that ignore poisoning, because no panic leaves the guarded data half changed.
//!
//! The tests of interleavings use the locks of shuttle, whose scheduler decides which thread runs next: `just
//! interleavings`. An `Arc` needs no such decision and comes from std.

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
