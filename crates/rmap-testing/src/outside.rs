//! Polling without a tokio runtime, or in a runtime that lacks what the client needs.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Generous, since only a failing test spends it.
const DEADLINE: Duration = Duration::from_secs(60);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread and outside of any runtime.
///
/// # Panics
///
/// When the future does not end within a minute.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, deadline) = (pin!(future), Instant::now() + DEADLINE);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "it hangs for {DEADLINE:?}");
        thread::park_timeout(left);
    }
}

/// Runs the work on a thread without a runtime, and then in a runtime without timers and I/O, while the caller's
/// runtime goes on.
///
/// # Panics
///
/// When the work panics.
pub async fn outside<W, F>(work: W)
where
    W: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = ()>,
{
    let again = work.clone();
    on_a_thread(move || block_on(work())).await;
    on_a_thread(move || {
        let bare = tokio::runtime::Builder::new_current_thread().build().expect("a runtime needs nothing");
        bare.block_on(again());
    })
    .await;
}

async fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    let (sender, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let _sender = sender;
        work();
    });
    // The thread may end without a message, or by a panic.
    let _ = ended.await;
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
