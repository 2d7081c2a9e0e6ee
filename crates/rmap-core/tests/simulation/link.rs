//! A subscription over an unreliable network.

use std::collections::VecDeque;

use fastrand::Rng;
use rmap_proto::Notification;

use crate::fault::Chance;
use crate::plan::Luck;

/// A message that arrives at a replica's end.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Notification(Vec<u8>),
    Mark(Vec<u8>),
    Lagged,
    /// The answer to a PING. It is not published, so no fault affects it.
    Pong,
}

/// An ordered stream of messages that may lose, repeat, swap or spoil some.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// True while the channels are subscribed.
    pub(crate) subscribed: bool,
    queue: VecDeque<Message>,
}

impl Link {
    pub(crate) fn deliver(&mut self, message: Message, luck: &mut Luck) {
        if !self.subscribed || luck.strikes(Chance::SilentLoss) {
            return;
        }
        if luck.strikes(Chance::Lag) {
            if !matches!(self.queue.back(), Some(Message::Lagged)) {
                self.queue.push_back(Message::Lagged);
            }
        } else if luck.strikes(Chance::Twice) {
            self.queue.push_back(message.clone());
            self.queue.push_back(message);
        } else if self.may_be_passed() && luck.strikes(Chance::Swapped) {
            let before = self.queue.pop_back();
            self.queue.push_back(message);
            self.queue.extend(before);
        } else if luck.strikes(Chance::Spoiled) {
            self.queue.push_back(spoil(message, &mut luck.rng));
        } else {
            self.queue.push_back(message);
        }
    }

    /// Injects an undecodable message that no process of the map sent.
    pub(crate) fn disturb(&mut self) {
        if self.subscribed {
            self.queue.push_back(Message::Notification(b"garbage".to_vec()));
        }
    }

    pub(crate) fn answer_ping(&mut self) {
        self.queue.push_back(Message::Pong);
    }

    /// True when a new message may overtake the last one. A late whole snapshot would look like a server that went back to an
    /// older copy and was then reset, and only the next probe could distinguish the two.
    fn may_be_passed(&self) -> bool {
        !self.queue.back().is_some_and(is_whole)
    }

    pub(crate) fn take(&mut self) -> Option<Message> {
        self.queue.pop_front()
    }

    pub(crate) fn cut(&mut self) {
        self.subscribed = false;
        self.queue.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

fn is_whole(message: &Message) -> bool {
    match message {
        Message::Notification(payload) => {
            Notification::decode(payload).is_ok_and(|notification| notification.is_whole())
        }
        Message::Mark(_) | Message::Lagged | Message::Pong => false,
    }
}

/// Truncates a payload or changes its kind, so that it becomes undecodable. A protocol without checksums cannot detect
/// a message that was altered into another valid one.
fn spoil(message: Message, rng: &mut Rng) -> Message {
    match message {
        Message::Notification(payload) if rng.bool() => {
            Message::Notification(payload[..rng.usize(0..payload.len().min(6))].to_vec())
        }
        Message::Notification(mut payload) => {
            payload[0] = b'x';
            Message::Notification(payload)
        }
        Message::Mark(_) => Message::Mark(b"?".to_vec()),
        Message::Lagged => Message::Lagged,
        Message::Pong => Message::Pong,
    }
}
