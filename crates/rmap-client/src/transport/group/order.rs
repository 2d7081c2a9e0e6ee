//! Keeps a caller's abandoned write from overtaking its next one.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

/// Excludes two moments from each other: a caller goes away; a write is sent because its caller still waits.
///
/// A transport sends in the order in which its futures are first polled. So an abandoned write was either sent before
/// its caller went away, and comes before the caller's next write, or it is left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Order(Arc<Mutex<()>>);

impl Order {
    /// Runs a future that checks for callers and then sends. No caller goes away during one of its polls.
    pub(super) async fn keep<T>(&self, sending: impl Future<Output = T>) -> T {
        let mut sending = pin!(sending);
        std::future::poll_fn(|context| self.with(|| sending.as_mut().poll(context))).await
    }

    fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        // The lock guards no data, so a panic leaves nothing half done.
        let _guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

/// A caller that waits for an outcome.
pub(super) struct Waiting<T> {
    outcome: oneshot::Receiver<T>,
    order: Order,
    ended: bool,
}

impl<T> Waiting<T> {
    pub(super) const fn new(outcome: oneshot::Receiver<T>, order: Order) -> Self {
        Self { outcome, order, ended: false }
    }
}

impl<T> Future for Waiting<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Pin::new(&mut self.outcome).poll(context);
        self.ended = outcome.is_ready();
        outcome
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.order.with(|| self.outcome.close());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Either the sender sees that the caller is gone, or the caller goes away only after the sender has sent.
    #[test]
    fn nobody_goes_away_between_the_look_and_the_sending() {
        for _ in 0..2_000 {
            let order = Order::default();
            let (sender, outcome) = oneshot::channel::<()>();
            let waiting = Waiting::new(outcome, order.clone());
            let sent = Arc::new(Mutex::new(Vec::new()));
            let caller = thread::spawn({
                let sent = Arc::clone(&sent);
                move || {
                    drop(waiting);
                    sent.lock().unwrap().push("next");
                }
            });
            let mut sending = pin!(order.keep(async {
                if !sender.is_closed() {
                    thread::yield_now();
                    sent.lock().unwrap().push("given up");
                }
            }));
            let mut context = Context::from_waker(std::task::Waker::noop());
            assert!(sending.as_mut().poll(&mut context).is_ready());
            caller.join().unwrap();
            assert_eq!(sent.lock().unwrap().last(), Some(&"next"));
        }
    }
}
