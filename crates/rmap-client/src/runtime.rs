//! The tokio runtime of a client. All futures of the client run in its context, whichever executor polls them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{PoisonError, RwLock};
use std::task::Poll;

use tokio::runtime::Handle;

/// The runtime in which a client was made, and whether it still runs.
///
/// A caller may poll a future of the client from another runtime, from one without timers, or from none. Timers and
/// tasks panic without the context of a runtime. So [`Runtime::within`] gives each poll the context of the client's
/// runtime.
#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    /// Held for reading during each poll, because a timer that is polled after the runtime's end panics. The end
    /// waits for the polls that have begun.
    ended: RwLock<bool>,
}

/// The client's runtime has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Before the first poll, so nothing was done.
    Before,
    /// After the first poll.
    Meanwhile,
}

impl Runtime {
    /// The runtime of the caller.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub(crate) fn current() -> Self {
        Self { handle: Handle::current(), ended: RwLock::new(false) }
    }

    /// Polls a future in this runtime, for as long as the runtime runs.
    ///
    /// # Cancel safety
    ///
    /// As safe as `work`.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut work = pin!(work);
        let mut begun = false;
        poll_fn(move |context| {
            let polled = self.enter(begun, || work.as_mut().poll(context));
            begun = true;
            polled.map_or_else(|ended| Poll::Ready(Err(ended)), |polled| polled.map(Ok))
        })
        .await
    }

    /// Runs one poll of a future in this runtime, unless the runtime has ended. `begun` is false for the first poll.
    pub(crate) fn enter<T>(&self, begun: bool, poll: impl FnOnce() -> T) -> Result<T, Ended> {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        if *ended {
            return Err(if begun { Ended::Meanwhile } else { Ended::Before });
        }
        let _context = self.handle.enter();
        Ok(poll())
    }

    /// Marks the end. Called when the runtime drops its tasks, which happens before its timers end.
    pub(crate) fn end(&self) {
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = true;
    }
}
