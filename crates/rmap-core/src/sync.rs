//! The locks of the content.
//!
//! The tests of interleavings run on the locks of shuttle, which let a scheduler of theirs decide who goes on: `just
//! interleavings`. An `Arc` needs no decision there, and is that of std.

#[cfg(not(all(test, shuttle)))]
mod locks {
    pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

#[cfg(all(test, shuttle))]
mod locks {
    pub(crate) use shuttle::sync::{
        Mutex, MutexGuard, RwLock as ShardedLock, RwLockReadGuard as ShardedLockReadGuard,
        RwLockWriteGuard as ShardedLockWriteGuard,
    };
}

pub(crate) use locks::{Mutex, MutexGuard, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
