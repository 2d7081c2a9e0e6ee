//! Coalesced notice that something changed.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::EventKind;

use crate::feed::{Backlog, FeedStream};

/// Stream of what kind of change happened, from [`Map::subscribe`](crate::Map::subscribe).
///
/// At most one event waits: while it is unread, the strongest kind wins (`Reset` over `Deleted` over `Changed`). After
/// the last change there is one more event. The stream ends when the map closes; dropping it ends the subscription.
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

/// Keeps the strongest kind.
#[derive(Debug, Default)]
pub(crate) struct Strongest(Option<EventKind>);

impl Backlog for Strongest {
    type In = EventKind;
    type Out = EventKind;

    fn put(&mut self, kind: EventKind) {
        self.0 = self.0.max(Some(kind));
    }

    fn take(&mut self) -> Option<EventKind> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_kind_wins_while_unread() {
        let mut backlog = Strongest::default();
        for kind in [EventKind::Changed, EventKind::Reset, EventKind::Deleted] {
            backlog.put(kind);
        }
        assert_eq!(backlog.take(), Some(EventKind::Reset));
        assert_eq!(backlog.take(), None);
    }
}
