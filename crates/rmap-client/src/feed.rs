//! Streams that a driver fills and never waits for. All streams of one kind share a feed.
//!
//! A feed keeps unread items once for all of its streams. So a driver does the same work for one stream and for ten
//! thousand, except for waking those that wait.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::sync::{Mutex, lock};

/// Names one stream of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamId(u64);

/// The unread items of all streams of a feed. It merges items, and so stays bounded.
pub(crate) trait Backlog: Send + 'static {
    /// An item that the driver adds.
    type In;
    /// An item that a stream yields.
    type Out;

    /// Adds an item for all streams.
    fn put(&mut self, input: Self::In);

    /// Takes the next item of a stream.
    fn take(&mut self, stream: StreamId) -> Option<Self::Out>;

    /// Removes a stream.
    fn leave(&mut self, stream: StreamId);

    /// Frees some items that all streams have read; true when more are left.
    fn tidy(&mut self) -> bool {
        false
    }

    /// Called after the last `put`.
    fn end(&mut self) {}
}

/// All streams of one kind of a map, and their unread items.
pub(crate) struct Feed<B> {
    state: Mutex<Shared<B>>,
}

struct Shared<B> {
    backlog: B,
    streams: u64,
    last_id: u64,
    closed: bool,
    /// Streams that found nothing to read.
    waiting: HashMap<StreamId, Waker>,
}

impl<B: Backlog> Feed<B> {
    pub(crate) fn new(backlog: B) -> Arc<Self> {
        let state = Shared { backlog, streams: 0, last_id: 0, closed: false, waiting: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Adds a stream, which `begin` registers in the backlog: no item is put in between. After the end of the feed
    /// the stream ends, too.
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

    /// Adds items for every stream. False without any stream.
    pub(crate) fn extend(&self, inputs: impl IntoIterator<Item = B::In>) -> bool {
        let mut state = lock(&self.state);
        inputs.into_iter().for_each(|input| state.backlog.put(input));
        let heard = state.streams > 0;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // Woken without our lock, because a woken task may add a stream at once.
        wake_all(waiting.into_values());
        heard
    }

    /// Adds one item for every stream. False without any stream.
    pub(crate) fn push(&self, input: B::In) -> bool {
        self.extend([input])
    }

    /// Accesses the backlog without waking streams.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut B) -> T) -> T {
        work(&mut lock(&self.state).backlog)
    }

    /// Ends every stream, also those added later. Unread items are still yielded.
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
        // Freed in parts, so that the driver can get the lock in between.
        while lock(&self.state).backlog.tidy() {}
        // Dropped without our lock, because a foreign waker may do anything when it is dropped.
        drop(waker);
    }
}

/// Wakes all of them even if one panics, and then resumes the panic: nothing else would wake the others.
pub(crate) fn wake_all(waiting: impl IntoIterator<Item = Waker>) {
    let woken = waiting.into_iter().map(|waker| catch_unwind(AssertUnwindSafe(|| waker.wake())));
    // The fold runs to the end, also after a panic.
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

    /// Calls `work` with the backlog and the id of this stream.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut B, StreamId) -> T) -> T {
        self.feed.with(|backlog| work(backlog, self.id))
    }

    /// The next item, if there is one.
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

    /// An item that is pushed while a stream is added comes after it: neither lost, nor replaced by the stream's
    /// first item.
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
            // The push has to wait for this closure, which leaves no end to wait for.
            assert!(is_pushed.recv_timeout(Duration::from_millis(50)).is_err());
            backlog.begin(id);
        });
        is_pushed.recv().unwrap();
        assert_eq!(poll(&stream), Poll::Ready(Some(EventKind::Reset)));
    }
}
