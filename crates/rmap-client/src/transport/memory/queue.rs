//! The waiting events of a subscriber connection.

use std::collections::VecDeque;

use tokio::sync::Notify;

use crate::sync::{Mutex, lock};
use crate::transport::Event;

/// Most waiting events. Further messages are dropped and reported as a lag.
const CAPACITY: usize = 1 << 14;

#[derive(Debug, Default)]
pub(super) struct EventQueue {
    events: Mutex<VecDeque<Event>>,
    filled: Notify,
}

impl EventQueue {
    /// Appends an event. A message beyond the capacity becomes a lag.
    pub(super) fn push(&self, event: Event) {
        let mut events = lock(&self.events);
        let full = events.len() >= CAPACITY;
        match (&event, events.back_mut()) {
            (Event::Message { .. }, Some(Event::Lagged { missed })) => *missed += 1,
            (Event::Message { .. }, Some(_)) if full => {
                events.push_back(Event::Lagged { missed: 1 });
            }
            _ => events.push_back(event),
        }
        drop(events);
        self.filled.notify_one();
    }

    /// Takes the next event; `Closed` is never removed.
    pub(super) async fn next(&self) -> Event {
        loop {
            if let Some(event) = self.take() {
                return event;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Event> {
        let mut events = lock(&self.events);
        match events.front() {
            Some(Event::Closed) => Some(Event::Closed),
            _ => events.pop_front(),
        }
    }
}
