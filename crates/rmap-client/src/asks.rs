//! Requests from the handles to a map's driver.
//!
//! A request that is already pending is not queued again. So callers that give up leave nothing behind, however many
//! there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmap_core::Target;
use tokio::sync::{mpsc, oneshot};

use crate::sync::{Mutex, lock};
use crate::verification::VerifyResult;

/// A request to the driver.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A proof of freshness; it serves all waits that started before.
    Prove(Target),
    /// Start the streams of changes that wait for it.
    Observe,
    /// Compare the content with the server's, for all callers that still wait.
    Verify(Vec<oneshot::Sender<VerifyResult>>),
    /// Follow the server although it has lost the hash.
    Follow,
    /// Close the map.
    Close,
}

/// Announces a pending request of its kind.
#[derive(Debug, Clone, Copy)]
enum Signal {
    Prove,
    Observe,
    Verify,
    Follow,
    Close,
}

/// Requests that the driver has not taken yet. Each kind has at most one signal in the channel.
#[derive(Debug, Default)]
struct Pending {
    /// The target of the wait that started last.
    prove: Mutex<Option<Target>>,
    observe: AtomicBool,
    verify: Mutex<Vec<oneshot::Sender<VerifyResult>>>,
    follow: AtomicBool,
    close: AtomicBool,
}

/// The handles' side. Each method returns false when the driver has ended.
#[derive(Debug)]
pub(crate) struct Asker {
    signals: mpsc::UnboundedSender<Signal>,
    pending: Arc<Pending>,
}

/// The driver's side.
#[derive(Debug)]
pub(crate) struct Asked {
    signals: mpsc::UnboundedReceiver<Signal>,
    pending: Arc<Pending>,
}

pub(crate) fn channel() -> (Asker, Asked) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let pending = Arc::<Pending>::default();
    (Asker { signals: sender, pending: Arc::clone(&pending) }, Asked { signals: receiver, pending })
}

impl Asker {
    pub(crate) fn prove(&self, target: Target) -> bool {
        let mut pending = lock(&self.pending.prove);
        let before = *pending;
        *pending = Some(before.map_or(target, |before| before.later(target)));
        drop(pending);
        self.signal(Signal::Prove, before.is_some())
    }

    pub(crate) fn observe(&self) -> bool {
        self.signal(Signal::Observe, self.pending.observe.swap(true, Ordering::AcqRel))
    }

    pub(crate) fn verify(&self, answer: oneshot::Sender<VerifyResult>) -> bool {
        let mut pending = lock(&self.pending.verify);
        let sent = !pending.is_empty();
        if pending.len() == pending.capacity() {
            pending.retain(|answer| !answer.is_closed());
        }
        pending.push(answer);
        drop(pending);
        self.signal(Signal::Verify, sent)
    }

    pub(crate) fn follow(&self) -> bool {
        self.signal(Signal::Follow, self.pending.follow.swap(true, Ordering::AcqRel))
    }

    pub(crate) fn close(&self) -> bool {
        self.signal(Signal::Close, self.pending.close.swap(true, Ordering::AcqRel))
    }

    /// True when the driver takes no more requests.
    pub(crate) fn is_closed(&self) -> bool {
        self.signals.is_closed()
    }

    fn signal(&self, signal: Signal, sent: bool) -> bool {
        if sent { !self.is_closed() } else { self.signals.send(signal).is_ok() }
    }
}

impl Asked {
    /// Waits for the next request; `Close` when no handle is left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Ask {
        loop {
            let Some(signal) = self.signals.recv().await else { return Ask::Close };
            if let Some(ask) = self.take(signal) {
                return ask;
            }
        }
    }

    /// The next request, if one is pending.
    pub(crate) fn try_next(&mut self) -> Option<Ask> {
        let signal = self.signals.try_recv().ok()?;
        self.take(signal)
    }

    /// Refuses further requests.
    pub(crate) fn close(&mut self) {
        self.signals.close();
    }

    /// Clears the pending mark before the driver acts, so that a caller who asks meanwhile is served by a later
    /// round. Each signal has a pending request.
    fn take(&self, signal: Signal) -> Option<Ask> {
        match signal {
            Signal::Prove => lock(&self.pending.prove).take().map(Ask::Prove),
            Signal::Observe => self.pending.observe.swap(false, Ordering::AcqRel).then_some(Ask::Observe),
            Signal::Verify => Some(Ask::Verify(std::mem::take(&mut lock(&self.pending.verify)))),
            Signal::Follow => self.pending.follow.swap(false, Ordering::AcqRel).then_some(Ask::Follow),
            Signal::Close => self.pending.close.swap(false, Ordering::AcqRel).then_some(Ask::Close),
        }
    }
}

/// Callers that wait for an answer learn that none comes.
impl Drop for Asked {
    fn drop(&mut self) {
        // Closed before the answers are dropped: a later caller finds the channel closed.
        self.close();
        lock(&self.pending.verify).clear();
    }
}

#[cfg(test)]
mod tests {
    use rmap_core::Progress;

    use super::*;

    #[test]
    fn what_is_asked_for_often_waits_once() {
        let (asker, mut asked) = channel();
        let target = Progress::default().fresh_target();
        for _ in 0..1000 {
            assert!(asker.prove(target) && asker.observe() && asker.verify(oneshot::channel().0));
        }
        let (answer, _waits) = oneshot::channel();
        asker.verify(answer);
        assert!(matches!(asked.try_next(), Some(Ask::Prove(proven)) if proven == target));
        assert!(matches!(asked.try_next(), Some(Ask::Observe)));
        let Some(Ask::Verify(answers)) = asked.try_next() else { panic!("nobody is answered") };
        assert!(answers.len() < 10, "{} who went away", answers.len());
        assert!(!answers.last().unwrap().is_closed());
        assert!(asked.try_next().is_none());
        assert!(asker.prove(target));
        assert!(matches!(asked.try_next(), Some(Ask::Prove(_))));
    }

    #[tokio::test]
    async fn both_ends_learn_of_the_other() {
        let (asker, mut asked) = channel();
        let target = Progress::default().fresh_target();
        assert!(asker.prove(target));
        asked.close();
        assert!(
            asker.is_closed()
                && !asker.prove(target)
                && !asker.observe()
                && !asker.follow()
                && !asker.close()
        );
        assert!(!asker.verify(oneshot::channel().0));
        assert!(matches!(asked.next().await, Ask::Prove(_)));
        drop(asker);
        assert!(matches!(asked.next().await, Ask::Close));

        let (asker, asked) = channel();
        let (answer, waits) = oneshot::channel();
        assert!(asker.verify(answer));
        drop(asked);
        assert!(waits.await.is_err());
    }
}
