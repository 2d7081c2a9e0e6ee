//! Bounds on what all maps of a client keep together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Granularity of a share in bytes, so that most messages do not touch the shared counter.
const STEP: usize = 4 << 10;

/// A sum of bytes over all maps of a client, and its bound.
#[derive(Debug)]
pub(crate) struct Sum {
    bytes: AtomicUsize,
    limit: usize,
}

impl Sum {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicUsize::new(0), limit })
    }

    /// Bytes that all owners keep together, in steps of 4 KiB each.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The share of one owner, empty at first.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { sum: Arc::clone(self), counted: 0 }
    }
}

/// The sums of a client.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    /// Unread changes of streams.
    pub(crate) unread: Arc<Sum>,
    /// Messages that wait for their map or for a snapshot.
    pub(crate) received: Arc<Sum>,
}

/// One owner's share of a sum. Dropping it takes the share away again.
#[derive(Debug)]
pub(crate) struct Share {
    sum: Arc<Sum>,
    counted: usize,
}

impl Share {
    /// Sets the bytes that the owner keeps now.
    pub(crate) fn set(&mut self, bytes: usize) {
        let counted = bytes / STEP * STEP;
        if counted > self.counted {
            self.sum.bytes.fetch_add(counted - self.counted, Ordering::Relaxed);
        } else if counted < self.counted {
            self.sum.bytes.fetch_sub(self.counted - counted, Ordering::Relaxed);
        }
        self.counted = counted;
    }

    /// True when all owners together exceed the limit.
    pub(crate) fn is_too_much(&self) -> bool {
        self.sum.bytes.load(Ordering::Relaxed) > self.sum.limit
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_leave_nothing() {
        let sum = Sum::new(10 * STEP);
        let (mut first, mut second) = (sum.share(), sum.share());
        first.set(9 * STEP);
        second.set(STEP + STEP / 2);
        assert!(!first.is_too_much());
        second.set(2 * STEP);
        assert!(first.is_too_much() && second.is_too_much());
        first.set(STEP);
        assert!(!second.is_too_much());
        drop((first, second));
        assert_eq!(sum.bytes.load(Ordering::Relaxed), 0);
    }
}
