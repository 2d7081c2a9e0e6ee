//! The locks of the content.
//!
//! The tests of interleavings (`just interleavings`) use the locks of shuttle, whose scheduler decides which thread
//! runs next. `Arc` is always that of std, because the scheduler has nothing to decide there.

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
