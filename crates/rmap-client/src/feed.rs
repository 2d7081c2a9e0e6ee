//! What a driver hands to streams: each stream has a feed that the driver fills and never waits for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::sync::{Mutex, lock};

/// What waits for the reader of one stream; bounded by how it merges what comes in.
pub(crate) trait Backlog: Send + 'static {
    /// What comes in.
    type In: Clone;
    /// What is handed out.
    type Out;

    /// Adds to the backlog.
    fn put(&mut self, input: Self::In);

    /// Takes what is next.
    fn take(&mut self) -> Option<Self::Out>;
}

/// One stream's backlog, shared between the driver and the stream.
pub(crate) struct Feed<B> {
    state: Mutex<State<B>>,
}

struct State<B> {
    backlog: B,
    closed: bool,
    waker: Option<Waker>,
}

impl<B: Backlog> Feed<B> {
    pub(crate) fn new(backlog: B) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { backlog, closed: false, waker: None }) })
    }

    /// Returns whom to wake.
    fn put(&self, input: B::In) -> Option<Waker> {
        let mut state = lock(&self.state);
        state.backlog.put(input);
        state.waker.take()
    }

    pub(crate) fn close(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<B::Out>> {
        let mut state = lock(&self.state);
        if let Some(output) = state.backlog.take() {
            return Poll::Ready(Some(output));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// All streams of one kind of a map. A dropped stream is forgotten at the next push, or when many have been added since.
pub(crate) struct Feeds<B> {
    /// `None` once closed.
    feeds: Mutex<Option<Vec<Weak<Feed<B>>>>>,
}

impl<B: Backlog> Feeds<B> {
    pub(crate) fn new() -> Self {
        Self { feeds: Mutex::new(Some(Vec::new())) }
    }

    /// Adds a stream; after the end it gets nothing but the end.
    pub(crate) fn add(&self, feed: &Arc<Feed<B>>) {
        Self::add_to(&mut lock(&self.feeds), feed);
    }

    /// The same for a stream that begins with `first`, which is what was pushed last or is about to be pushed.
    pub(crate) fn add_with(&self, feed: &Arc<Feed<B>>, first: impl FnOnce() -> B::In) {
        let mut feeds = lock(&self.feeds);
        // Nobody waits for it yet.
        feed.put(first());
        Self::add_to(&mut feeds, feed);
    }

    fn add_to(feeds: &mut Option<Vec<Weak<Feed<B>>>>, feed: &Arc<Feed<B>>) {
        let Some(feeds) = feeds else { return feed.close() };
        if feeds.len() == feeds.capacity() {
            feeds.retain(|feed| feed.strong_count() > 0);
        }
        feeds.push(Arc::downgrade(feed));
    }

    /// Adds to every stream. False when there is none.
    pub(crate) fn push(&self, input: &B::In) -> bool {
        let mut wakers = Vec::new();
        let mut feeds = lock(&self.feeds);
        let Some(listening) = feeds.as_mut() else { return false };
        listening.retain(|feed| feed.upgrade().map(|feed| wakers.extend(feed.put(input.clone()))).is_some());
        let heard = !listening.is_empty();
        drop(feeds);
        // Whoever is woken may add a stream at once.
        wake_all(wakers);
        heard
    }

    /// Ends every stream, those added later included. What waits in them is still handed out.
    pub(crate) fn close(&self) {
        let feeds = lock(&self.feeds).take();
        for feed in feeds.into_iter().flatten().filter_map(|feed| feed.upgrade()) {
            feed.close();
        }
    }
}

/// Wakes all of them, also when one panics, and then goes on panicking: nobody else would wake those that are left.
fn wake_all(wakers: Vec<Waker>) {
    let woken = wakers.into_iter().map(|waker| catch_unwind(AssertUnwindSafe(|| waker.wake())));
    // To the end, whatever comes first.
    if let Some(panic) = woken.fold(None, |panic, woken| panic.or_else(|| woken.err())) {
        resume_unwind(panic);
    }
}

/// The reading end of a feed.
pub(crate) struct FeedStream<B>(pub(crate) Arc<Feed<B>>);

impl<B: Backlog> Stream for FeedStream<B> {
    type Item = B::Out;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<B::Out>> {
        self.0.poll_next(context)
    }
}

impl<B: Backlog> FeedStream<B> {
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&self) -> Option<B::Out> {
        std::future::poll_fn(|context| self.0.poll_next(context)).await
    }
}

impl<B> fmt::Debug for Feed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for Feeds<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeds").finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for FeedStream<B> {
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

    #[test]
    fn streams_that_were_dropped_do_not_pile_up() {
        let feeds = Feeds::new();
        let kept = Feed::new(Strongest::default());
        feeds.add(&kept);
        for _ in 0..10_000 {
            feeds.add(&Feed::new(Strongest::default()));
        }
        assert!(lock(&feeds.feeds).as_ref().unwrap().capacity() < 100);
        assert!(feeds.push(&EventKind::Changed));
        assert!(kept.poll_next(&Context::from_waker(Waker::noop())).is_ready());
    }

    /// What is pushed while a stream is added with its first item comes after that: it is neither lost nor replaced by it.
    #[test]
    fn nothing_is_pushed_between_the_first_item_and_the_stream() {
        let feeds = Arc::new(Feeds::new());
        let feed = Feed::new(Strongest::default());
        let (pushed, is_pushed) = mpsc::channel();
        feeds.add_with(&feed, || {
            let feeds = Arc::clone(&feeds);
            thread::spawn(move || {
                feeds.push(&EventKind::Reset);
                pushed.send(()).unwrap();
            });
            // It has to wait for this closure, so there is no sign of the end to wait for.
            assert!(is_pushed.recv_timeout(Duration::from_millis(50)).is_err());
            EventKind::Changed
        });
        is_pushed.recv().unwrap();
        assert_eq!(feed.poll_next(&Context::from_waker(Waker::noop())), Poll::Ready(Some(EventKind::Reset)));
    }
}
