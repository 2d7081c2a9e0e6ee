//! Coalesced events: something changed.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::EventKind;

use crate::feed::{Backlog, FeedStream, StreamId};

/// Stream of events, from [`Map::subscribe`](crate::Map::subscribe) and
/// [`TypedMap::subscribe`](crate::TypedMap::subscribe).
///
/// At most one event waits: while it is unread, the strongest kind wins (`Reset` over `Deleted` over `Changed`). At
/// least one event follows the last change. The stream ends when the map closes; dropping it ends the subscription.
#[derive(Debug)]
pub struct Events(pub(crate) FeedStream<Strongest>);

impl Events {
    /// Waits for the next event; `None` once the map is closed and the last event was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<EventKind> {
        self.0.next().await
    }
}

impl Stream for Events {
    type Item = EventKind;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<EventKind>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Numbers the events, and keeps the last number of each kind. A stream gets the strongest kind that it has not seen.
#[derive(Debug, Default)]
pub(crate) struct Strongest {
    last: BTreeMap<EventKind, u64>,
    number: u64,
    /// The number up to which each stream has read.
    streams: HashMap<StreamId, u64>,
}

impl Strongest {
    /// Adds a stream that sees events from now on.
    pub(crate) fn begin(&mut self, stream: StreamId) {
        self.streams.insert(stream, self.number);
    }
}

impl Backlog for Strongest {
    type In = EventKind;
    type Out = EventKind;

    fn put(&mut self, kind: EventKind) {
        self.number += 1;
        self.last.insert(kind, self.number);
    }

    fn take(&mut self, stream: StreamId) -> Option<EventKind> {
        let seen = self.streams.get_mut(&stream)?;
        let (kind, _) = self.last.iter().rev().find(|(_, number)| **number > *seen)?;
        *seen = self.number;
        Some(*kind)
    }

    fn leave(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::feed::Feed;

    #[test]
    fn the_strongest_kind_wins_while_unread() {
        let feed = Feed::new(Strongest::default());
        let (mut early, mut late) = (feed.add(Strongest::begin), None);
        for kind in [EventKind::Changed, EventKind::Reset, EventKind::Deleted, EventKind::Changed] {
            feed.push(kind);
            if kind == EventKind::Reset {
                late = Some(feed.add(Strongest::begin));
            }
        }
        let next = |stream: &mut FeedStream<Strongest>| {
            Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
        };
        let mut late = late.unwrap();
        assert_eq!(next(&mut early), Poll::Ready(Some(EventKind::Reset)));
        assert_eq!(next(&mut late), Poll::Ready(Some(EventKind::Deleted)), "what came before is not its");
        assert_eq!((next(&mut early), next(&mut late)), (Poll::Pending, Poll::Pending));
    }
}
