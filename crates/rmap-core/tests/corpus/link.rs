//! A subscription: an ordered stream of messages that may lose, repeat, swap or spoil some.

use std::collections::VecDeque;

#[derive(Debug, Clone)]
pub(super) enum Message {
    Notification(Vec<u8>),
    Mark(Vec<u8>),
}

#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) subscribed: bool,
    queue: VecDeque<Message>,
}

impl Link {
    pub(super) fn publish(&mut self, message: Message) {
        if self.subscribed {
            self.queue.push_back(message);
        }
    }

    pub(super) fn take(&mut self) -> Option<Message> {
        self.queue.pop_front()
    }

    pub(super) fn cut(&mut self) {
        self.subscribed = false;
        self.queue.clear();
    }

    /// Loses every message in flight.
    pub(super) fn lose(&mut self) {
        self.queue.clear();
    }

    pub(super) fn repeat(&mut self) {
        let first = self.queue.front().cloned();
        self.queue.extend(first);
    }

    pub(super) fn swap(&mut self) {
        if self.queue.len() > 1 {
            self.queue.swap(0, 1);
        }
    }

    /// Makes the first message undecodable. The protocol cannot detect a message that was altered into another valid
    /// one.
    pub(super) fn spoil(&mut self, length: u8) {
        match self.queue.front_mut() {
            Some(Message::Notification(payload)) => payload.truncate(usize::from(length % 6)),
            Some(Message::Mark(payload)) => *payload = b"?".to_vec(),
            None => {}
        }
    }
}
