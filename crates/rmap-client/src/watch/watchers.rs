//! Watches of single keys, indexed by key.
//!
//! A change of a key that nobody watches costs one lookup, however many other keys are watched. While no watch waits
//! at all, a change costs one read of a counter. No value is kept here: a woken watch reads the content, so it never
//! shows an older value than other reads.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use rmap_core::Watchers;

use crate::feed::wake_all;
use crate::sync::{Mutex, lock};

/// Capacity kept while no watch waits.
const KEPT_CAPACITY: usize = 64;

/// All watches of a map. The replica reports changed keys, and then the driver wakes the watches that wait for them.
#[derive(Default)]
pub(crate) struct KeyWatchers {
    /// Number of keys with a waiting watch. A watch sets it before it reads the content, and the locks of the content
    /// order the two: a change that this read misses sees the counter.
    keys: AtomicUsize,
    /// True when a watch must be woken.
    is_due: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    waiting: HashMap<Arc<[u8]>, BTreeMap<u64, Waker>>,
    due: Vec<Waker>,
    closed: bool,
}

impl KeyWatchers {
    /// Starts a watch of a key. It costs the map nothing until it waits.
    pub(crate) fn watch(self: &Arc<Self>, key: &[u8]) -> KeyWatch {
        let mut state = lock(&self.state);
        state.last_id += 1;
        let id = state.last_id;
        drop(state);
        KeyWatch { watchers: Arc::clone(self), key: key.into(), id }
    }

    /// Wakes the watches of changed keys.
    pub(crate) fn wake(&self) {
        if self.is_due.swap(false, Ordering::AcqRel) {
            let due = std::mem::take(&mut lock(&self.state).due);
            wake_all(due);
        }
    }

    /// Wakes all watches for the last time. From now on no watch waits.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        self.take_all(&mut state);
        let due = std::mem::take(&mut state.due);
        drop(state);
        wake_all(due);
    }

    /// Number of keys with a waiting watch.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    fn take_all(&self, state: &mut State) {
        let waiting = std::mem::take(&mut state.waiting);
        state.due.extend(waiting.into_values().flat_map(BTreeMap::into_values));
        self.count(state);
    }

    /// Updates the counter; call it after each change of `waiting`.
    fn count(&self, state: &mut State) {
        if state.waiting.is_empty() && state.waiting.capacity() > KEPT_CAPACITY {
            state.waiting = HashMap::new();
        }
        self.keys.store(state.waiting.len(), Ordering::Release);
    }

    /// Registers a waiting watch. False after the end.
    fn wait(&self, key: &Arc<[u8]>, id: u64, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        let before = state.waiting.entry(Arc::clone(key)).or_default().insert(id, waker.clone());
        self.count(&mut state);
        drop(state);
        // Dropped without our lock, because a foreign waker may do anything when it is dropped.
        drop(before);
        true
    }

    fn leave(&self, key: &[u8], id: u64) {
        let mut state = lock(&self.state);
        let Some(waiting) = state.waiting.get_mut(key) else { return };
        let waker = waiting.remove(&id);
        if waiting.is_empty() {
            state.waiting.remove(key);
        }
        self.count(&mut state);
        drop(state);
        drop(waker);
    }
}

impl Watchers for KeyWatchers {
    fn changed(&self, key: &[u8]) {
        if self.keys.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut state = lock(&self.state);
        if let Some(waiting) = state.waiting.remove(key) {
            state.due.extend(waiting.into_values());
            self.count(&mut state);
            self.is_due.store(true, Ordering::Release);
        }
    }

    fn replaced(&self) {
        if self.keys.load(Ordering::Acquire) > 0 {
            self.take_all(&mut lock(&self.state));
            self.is_due.store(true, Ordering::Release);
        }
    }
}

impl fmt::Debug for KeyWatchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyWatchers").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// A watch of one key. It keeps neither the map open nor its content.
#[derive(Debug)]
pub(crate) struct KeyWatch {
    watchers: Arc<KeyWatchers>,
    key: Arc<[u8]>,
    id: u64,
}

impl KeyWatch {
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Polls until `look`, which reads the content, finds something. `None` when it finds nothing in the last
    /// content.
    pub(crate) fn poll<T>(
        &self,
        context: &Context<'_>,
        mut look: impl FnMut() -> Option<T>,
    ) -> Poll<Option<T>> {
        if let Some(found) = look() {
            return Poll::Ready(Some(found));
        }
        let goes_on = self.watchers.wait(&self.key, self.id, context.waker());
        // A change before the registration above woke nobody, so the content is read again.
        match look() {
            None if goes_on => Poll::Pending,
            found => Poll::Ready(found),
        }
    }
}

impl Drop for KeyWatch {
    fn drop(&mut self) {
        self.watchers.leave(&self.key, self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(watch: &KeyWatch) {
        assert!(watch.poll(&Context::from_waker(Waker::noop()), || None::<()>).is_pending());
    }

    #[test]
    fn only_who_waits_for_the_key_is_woken() {
        let watchers = Arc::<KeyWatchers>::default();
        let (a, other, b) = (watchers.watch(b"a"), watchers.watch(b"a"), watchers.watch(b"b"));
        [&a, &other, &b].into_iter().for_each(wait);
        watchers.changed(b"c");
        assert!(!watchers.is_due.load(Ordering::Relaxed));
        watchers.changed(b"a");
        assert_eq!((lock(&watchers.state).due.len(), watchers.waiting()), (2, 1));
        watchers.wake();
        watchers.replaced();
        assert_eq!((lock(&watchers.state).due.len(), watchers.waiting()), (1, 0));
    }

    #[test]
    fn watches_that_were_dropped_leave_nothing() {
        let watchers = Arc::<KeyWatchers>::default();
        for number in 0..1000_u32 {
            let watch = watchers.watch(&number.to_be_bytes());
            wait(&watch);
            wait(&watch);
            assert_eq!(watchers.waiting(), 1);
        }
        assert_eq!(watchers.waiting(), 0);
        let many: Vec<_> = (0..1000_u32).map(|number| watchers.watch(&number.to_be_bytes())).collect();
        many.iter().for_each(wait);
        drop(many);
        assert!(lock(&watchers.state).waiting.capacity() <= KEPT_CAPACITY);
    }

    /// A closed map leaves no watch waiting, and its last change is not lost.
    #[test]
    fn after_the_end_one_more_look_is_taken() {
        let watchers = Arc::<KeyWatchers>::default();
        let watch = watchers.watch(b"a");
        wait(&watch);
        watchers.close();
        assert_eq!(watchers.waiting(), 0);
        let mut looks = 0;
        let look = || {
            looks += 1;
            (looks == 2).then_some("the last")
        };
        let polled = watch.poll(&Context::from_waker(Waker::noop()), look);
        assert_eq!(polled, Poll::Ready(Some("the last")));
        let polled = watch.poll(&Context::from_waker(Waker::noop()), || None::<()>);
        assert_eq!(polled, Poll::Ready(None));
    }
}
