//! What a driver hands to streams: each stream has a feed that the driver fills and never waits for.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::sync::lock;

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

    pub(crate) fn push(&self, input: B::In) {
        let waker = {
            let mut state = lock(&self.state);
            state.backlog.put(input);
            state.waker.take()
        };
        wake(waker);
    }

    pub(crate) fn close(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.waker.take()
        };
        wake(waker);
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

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// All streams of one kind of a map. A dropped stream is forgotten at the next push.
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
        match lock(&self.feeds).as_mut() {
            Some(feeds) => feeds.push(Arc::downgrade(feed)),
            None => feed.close(),
        }
    }

    /// Adds to every stream. False when there is none.
    pub(crate) fn push(&self, input: &B::In) -> bool {
        let mut feeds = lock(&self.feeds);
        let Some(feeds) = feeds.as_mut() else { return false };
        feeds.retain(|feed| feed.upgrade().map(|feed| feed.push(input.clone())).is_some());
        !feeds.is_empty()
    }

    /// Ends every stream, those added later included. What waits in them is still handed out.
    pub(crate) fn close(&self) {
        let feeds = lock(&self.feeds).take();
        for feed in feeds.into_iter().flatten().filter_map(|feed| feed.upgrade()) {
            feed.close();
        }
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
