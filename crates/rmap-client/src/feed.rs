//! What a driver hands to streams: those of one kind share a feed, which the driver fills and never waits for.
//!
//! What streams have not read is kept once for all of them. So a driver does the same work for one stream and for ten thousand,
//! but for waking those that wait.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::sync::{Mutex, lock};

/// Tells the streams of a feed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamId(u64);

/// What waits for the streams of a feed; bounded by how it merges what comes in.
pub(crate) trait Backlog: Send + 'static {
    /// What comes in.
    type In;
    /// What is handed out.
    type Out;

    /// Adds what all streams are to get.
    fn put(&mut self, input: Self::In);

    /// Takes what is next for a stream.
    fn take(&mut self, stream: StreamId) -> Option<Self::Out>;

    /// Forgets a stream.
    fn leave(&mut self, stream: StreamId);

    /// Forgets a part of what no stream is to get any more; true when there is more of it.
    fn tidy(&mut self) -> bool {
        false
    }

    /// Nothing more will be put.
    fn end(&mut self) {}
}

/// All streams of one kind of a map, and what waits for them.
pub(crate) struct Feed<B> {
    state: Mutex<Shared<B>>,
}

struct Shared<B> {
    backlog: B,
    streams: u64,
    last_id: u64,
    closed: bool,
    /// Those who found nothing.
    waiting: HashMap<StreamId, Waker>,
}

impl<B: Backlog> Feed<B> {
    pub(crate) fn new(backlog: B) -> Arc<Self> {
        let state = Shared { backlog, streams: 0, last_id: 0, closed: false, waiting: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Adds a stream, which `begin` makes known to the backlog: nothing is put in between. After the end it ends.
    pub(crate) fn add(self: &Arc<Self>, begin: impl FnOnce(&mut B, StreamId)) -> FeedStream<B> {
        let mut state = lock(&self.state);
        state.last_id += 1;
        state.streams += 1;
        let id = StreamId(state.last_id);
        begin(&mut state.backlog, id);
        if state.closed {
            state.backlog.end();
        }
        drop(state);
        FeedStream { feed: Arc::clone(self), id }
    }

    /// Hands everything to every stream. False when there is no stream.
    pub(crate) fn extend(&self, inputs: impl IntoIterator<Item = B::In>) -> bool {
        let mut state = lock(&self.state);
        inputs.into_iter().for_each(|input| state.backlog.put(input));
        let heard = state.streams > 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // Whoever is woken may add a stream at once.
        wake_all(waiting.into_values());
        heard
    }

    /// Hands one item to every stream. False when there is no stream.
    pub(crate) fn push(&self, input: B::In) -> bool {
        self.extend([input])
    }

    /// Looks at the backlog, or changes what nobody waits for.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut B) -> T) -> T {
        work(&mut lock(&self.state).backlog)
    }

    /// Ends every stream, those added later included. What waits for them is still handed out.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.backlog.end();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        wake_all(waiting.into_values());
    }

    fn poll_next(&self, stream: StreamId, context: &Context<'_>) -> Poll<Option<B::Out>> {
        let mut state = lock(&self.state);
        if let Some(output) = state.backlog.take(stream) {
            return Poll::Ready(Some(output));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waiting.insert(stream, context.waker().clone());
        Poll::Pending
    }

    fn leave(&self, stream: StreamId) {
        let mut state = lock(&self.state);
        state.streams -= 1;
        state.backlog.leave(stream);
        let waker = state.waiting.remove(&stream);
        drop(state);
        // In parts, between which the driver may go on.
        while lock(&self.state).backlog.tidy() {}
        // Whatever it does when it is dropped, nothing of ours is locked.
        drop(waker);
    }
}

/// Wakes all of them, also when one panics, and then goes on panicking: nobody else would wake those that are left.
pub(crate) fn wake_all(waiting: impl IntoIterator<Item = Waker>) {
    let woken = waiting.into_iter().map(|waker| catch_unwind(AssertUnwindSafe(|| waker.wake())));
    // To the end, whatever comes first.
    if let Some(panic) = woken.fold(None, |panic, woken| panic.or_else(|| woken.err())) {
        resume_unwind(panic);
    }
}

/// One stream of a feed.
pub(crate) struct FeedStream<B: Backlog> {
    feed: Arc<Feed<B>>,
    id: StreamId,
}

impl<B: Backlog> Stream for FeedStream<B> {
    type Item = B::Out;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<B::Out>> {
        self.feed.poll_next(self.id, context)
    }
}

impl<B: Backlog> FeedStream<B> {
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&self) -> Option<B::Out> {
        std::future::poll_fn(|context| self.feed.poll_next(self.id, context)).await
    }

    /// What is there already.
    #[cfg(test)]
    pub(crate) fn try_next(&self) -> Option<B::Out> {
        match self.feed.poll_next(self.id, &Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => None,
        }
    }
}

impl<B: Backlog> Drop for FeedStream<B> {
    fn drop(&mut self) {
        self.feed.leave(self.id);
    }
}

impl<B> fmt::Debug for Feed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl<B: Backlog> fmt::Debug for FeedStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use rmap_core::EventKind;

    use super::*;
    use crate::events::Strongest;

    fn poll<B: Backlog>(stream: &FeedStream<B>) -> Poll<Option<B::Out>> {
        stream.feed.poll_next(stream.id, &Context::from_waker(Waker::noop()))
    }

    #[test]
    fn streams_that_were_dropped_leave_nothing() {
        let feed = Feed::new(Strongest::default());
        let kept = feed.add(Strongest::begin);
        for _ in 0..100 {
            let dropped = feed.add(Strongest::begin);
            assert!(poll(&dropped).is_pending());
        }
        let state = lock(&feed.state);
        assert_eq!((state.streams, state.waiting.len()), (1, 0));
        drop(state);
        assert!(feed.push(EventKind::Changed));
        assert!(poll(&kept).is_ready());
        drop(kept);
        assert!(!feed.push(EventKind::Changed));
    }

    /// What is pushed while a stream is added comes after that: it is neither lost nor replaced by what the stream begins
    /// with.
    #[test]
    fn nothing_is_pushed_while_a_stream_is_added() {
        let feed = Feed::new(Strongest::default());
        let (pushed, is_pushed) = mpsc::channel();
        let stream = feed.add(|backlog, id| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || {
                feed.push(EventKind::Reset);
                pushed.send(()).unwrap();
            });
            // It has to wait for this closure, so there is no sign of the end to wait for.
            assert!(is_pushed.recv_timeout(Duration::from_millis(50)).is_err());
            backlog.begin(id);
        });
        is_pushed.recv().unwrap();
        assert_eq!(poll(&stream), Poll::Ready(Some(EventKind::Reset)));
    }
}
