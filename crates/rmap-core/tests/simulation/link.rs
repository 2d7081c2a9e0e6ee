//! A subscription as the network treats it.

use std::collections::VecDeque;

use fastrand::Rng;
use rmap_proto::Notification;

use crate::scenario::Scenario;
use crate::world::Tally;

/// What arrives at a replica's end.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Notification(Vec<u8>),
    Mark(Vec<u8>),
    Lagged,
}

/// An ordered stream of messages that may lose, repeat, swap or spoil some.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// True while the channels are subscribed.
    pub(crate) subscribed: bool,
    queue: VecDeque<Message>,
}

impl Link {
    pub(crate) fn deliver(
        &mut self,
        message: Message,
        scenario: &Scenario,
        rng: &mut Rng,
        tally: &mut Tally,
    ) {
        if !self.subscribed {
            return;
        }
        let mut chance = |share| rng.u64(0..1000) < share;
        if chance(scenario.silent_loss) {
            tally.count("lost silently");
        } else if chance(scenario.lag) {
            tally.count("lost and reported");
            if !matches!(self.queue.back(), Some(Message::Lagged)) {
                self.queue.push_back(Message::Lagged);
            }
        } else if chance(scenario.garble) {
            self.garble(message, rng, tally);
        } else {
            self.queue.push_back(message);
        }
    }

    fn garble(&mut self, message: Message, rng: &mut Rng, tally: &mut Tally) {
        match rng.u8(0..3) {
            0 => {
                tally.count("sent twice");
                self.queue.push_back(message.clone());
                self.queue.push_back(message);
            }
            // A whole snapshot that comes late looks like a server that went back to an older copy and was then reset.
            // Only the next probe tells them apart.
            1 if !self.queue.back().is_some_and(is_whole) => {
                tally.count("swapped");
                let before = self.queue.pop_back();
                self.queue.push_back(message);
                self.queue.extend(before);
            }
            _ => {
                tally.count("spoiled");
                self.queue.push_back(spoil(message, rng));
            }
        }
    }

    pub(crate) fn take(&mut self) -> Option<Message> {
        self.queue.pop_front()
    }

    pub(crate) fn cut(&mut self) {
        self.subscribed = false;
        self.queue.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

fn is_whole(message: &Message) -> bool {
    match message {
        Message::Notification(payload) => {
            Notification::decode(payload).is_ok_and(|notification| notification.is_whole())
        }
        Message::Mark(_) | Message::Lagged => false,
    }
}

/// Cuts a payload off or changes its kind, so that it can no longer be read; what could be read as something else is not
/// for a protocol without checksums to find.
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
    }
}
