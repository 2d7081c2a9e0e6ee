//! The queue between the router task and the driver of one map.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::settings::Bound;
use crate::sum::Share;
use crate::sync::{Mutex, lock};

/// Capacity that an empty inbox keeps.
const KEPT_CAPACITY: usize = 1024;

/// An item from the router to a driver. The `Debug` form shows no payload.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// New connections are up.
    Connected(u64),
    /// A connection was lost.
    Disconnected(Arc<str>),
    /// A notification, from the updates channel.
    Update(Bytes),
    /// A mark, from the private channel.
    Mark(Bytes),
    /// Messages were lost here.
    Lagged,
    /// The clock has jumped.
    ClockJumped,
    /// The transport is closed; nothing follows.
    Closed,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(connection) => write!(f, "Connected({connection})"),
            Self::Disconnected(reason) => write!(f, "Disconnected({reason})"),
            Self::Update(payload) => write!(f, "Update({} bytes)", payload.len()),
            Self::Mark(payload) => write!(f, "Mark({} bytes)", payload.len()),
            Self::Lagged => f.write_str("Lagged"),
            Self::ClockJumped => f.write_str("ClockJumped"),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

impl Delivery {
    /// The payload of a notification.
    pub(crate) fn update(&self) -> Option<&[u8]> {
        match self {
            Self::Update(payload) => Some(payload),
            Self::Connected(_)
            | Self::Disconnected(_)
            | Self::Mark(_)
            | Self::Lagged
            | Self::ClockJumped
            | Self::Closed => None,
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Update(payload) | Self::Mark(payload) => payload.len(),
            Self::Connected(_) | Self::Disconnected(_) | Self::Lagged | Self::ClockJumped | Self::Closed => 0,
        }
    }

    const fn has_payload(&self) -> bool {
        match self {
            Self::Update(_) | Self::Mark(_) => true,
            Self::Connected(_) | Self::Disconnected(_) | Self::Lagged | Self::ClockJumped | Self::Closed => {
                false
            }
        }
    }

    /// True for items that a lag replaces. The resync that follows a lag is a proof as well.
    const fn is_message(&self) -> bool {
        match self {
            Self::Update(_) | Self::Mark(_) | Self::Lagged | Self::ClockJumped => true,
            Self::Connected(_) | Self::Disconnected(_) | Self::Closed => false,
        }
    }
}

/// A queue that is bounded in count and bytes. On overflow it turns into a lag, which makes the replica resync.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    filled: Notify,
    limit: Bound,
}

#[derive(Debug)]
struct Queue {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    share: Share,
    /// Messages that were dropped so far, because there were too many.
    dropped: u64,
}

/// The size of an inbox, and the count of what it dropped.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Waiting {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    pub(crate) dropped: u64,
}

impl Inbox {
    /// `share` counts towards the sum over the inboxes of all maps.
    pub(crate) fn new(limit: Bound, share: Share) -> Self {
        let queue = Queue { deliveries: VecDeque::new(), bytes: 0, share, dropped: 0 };
        Self { queue: Mutex::new(queue), filled: Notify::new(), limit }
    }

    /// Appends a delivery and wakes the driver.
    pub(crate) fn push(&self, delivery: Delivery) {
        if self.append(delivery) {
            self.wake();
        }
    }

    /// Appends a delivery; true when the inbox was empty and its driver must be woken. On overflow a lag replaces all
    /// waiting messages.
    pub(crate) fn append(&self, delivery: Delivery) -> bool {
        let mut queue = lock(&self.queue);
        let was_empty = queue.deliveries.is_empty();
        let full = queue.deliveries.len() >= self.limit.count
            || queue.bytes.saturating_add(delivery.bytes()) > self.limit.bytes
            || queue.share.is_too_much();
        if full && !was_empty {
            queue.collapse();
        }
        queue.bytes += delivery.bytes();
        queue.deliveries.push_back(delivery);
        queue.count();
        was_empty
    }

    /// Wakes the driver to take deliveries.
    pub(crate) fn wake(&self) {
        self.filled.notify_one();
    }

    /// Moves at most `most` deliveries into `batch`.
    pub(crate) fn take(&self, most: usize, batch: &mut Vec<Delivery>) {
        let mut queue = lock(&self.queue);
        let count = most.min(queue.deliveries.len());
        let before = batch.len();
        batch.extend(queue.deliveries.drain(..count));
        queue.bytes -= batch[before..].iter().map(Delivery::bytes).sum::<usize>();
        if queue.deliveries.is_empty() && queue.deliveries.capacity() > KEPT_CAPACITY {
            queue.deliveries = VecDeque::new();
        }
        queue.count();
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let queue = lock(&self.queue);
        Waiting { count: queue.deliveries.len(), bytes: queue.bytes, dropped: queue.dropped }
    }

    /// Waits until there are deliveries to take. Only the driver calls this.
    ///
    /// # Cancel safety
    ///
    /// Waiting takes nothing, so nothing is lost.
    pub(crate) async fn ready(&self) {
        while lock(&self.queue).deliveries.is_empty() {
            self.filled.notified().await;
        }
    }
}

impl Queue {
    fn count(&mut self) {
        self.share.set(self.bytes + self.deliveries.len() * size_of::<Delivery>());
    }

    /// Drops all messages, keeps the state of the connection, and ends with a lag.
    fn collapse(&mut self) {
        self.dropped += self.deliveries.iter().filter(|delivery| delivery.has_payload()).count() as u64;
        self.deliveries.retain(|delivery| !delivery.is_message());
        let down = self.deliveries.iter().rposition(|delivery| matches!(delivery, Delivery::Disconnected(_)));
        self.deliveries.drain(..down.unwrap_or(0));
        self.deliveries.push_back(Delivery::Lagged);
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sum::Sum;

    fn inbox(limit: Bound) -> Inbox {
        Inbox::new(limit, Sum::new(usize::MAX).share())
    }

    fn update(length: usize) -> Delivery {
        Delivery::Update(vec![b'x'; length].into())
    }

    fn drain(inbox: &Inbox) -> Vec<Delivery> {
        let mut batch = Vec::new();
        inbox.take(usize::MAX, &mut batch);
        batch
    }

    #[test]
    fn too_many_messages_become_a_lag() {
        let inbox = inbox(Bound { count: 3, bytes: 100 });
        inbox.push(Delivery::Connected(1));
        inbox.push(update(1));
        inbox.push(update(2));
        inbox.push(update(3));
        assert_eq!((inbox.waiting().count, inbox.waiting().bytes, inbox.waiting().dropped), (3, 3, 2));
        assert_eq!(drain(&inbox), [Delivery::Connected(1), Delivery::Lagged, update(3)]);
        assert_eq!((inbox.waiting().count, inbox.waiting().bytes, inbox.waiting().dropped), (0, 0, 2));
    }

    #[test]
    fn too_many_bytes_become_a_lag() {
        let inbox = inbox(Bound { count: 100, bytes: 10 });
        inbox.push(update(6));
        inbox.push(update(6));
        assert_eq!(drain(&inbox), [Delivery::Lagged, update(6)]);
    }

    #[test]
    fn one_message_larger_than_the_limit_passes() {
        let inbox = inbox(Bound { count: 100, bytes: 10 });
        inbox.push(update(50));
        assert_eq!(drain(&inbox), [update(50)]);
        inbox.push(update(10));
        assert_eq!(drain(&inbox), [update(10)]);
    }

    #[test]
    fn the_last_disconnect_survives_an_overflow() {
        let inbox = inbox(Bound { count: 5, bytes: 100 });
        let down = |reason: &str| Delivery::Disconnected(reason.into());
        for delivery in [
            Delivery::Connected(1),
            down("first"),
            Delivery::Connected(2),
            down("second"),
            Delivery::Connected(3),
        ] {
            inbox.push(delivery);
        }
        inbox.push(update(1));
        assert_eq!(drain(&inbox), [down("second"), Delivery::Connected(3), Delivery::Lagged, update(1)]);
    }

    #[test]
    fn taking_is_limited_and_keeps_count_of_bytes() {
        let inbox = inbox(Bound { count: 100, bytes: 10 });
        inbox.push(update(5));
        inbox.push(update(5));
        let mut batch = Vec::new();
        inbox.take(1, &mut batch);
        assert_eq!(batch, [update(5)]);
        inbox.push(update(5));
        assert_eq!(drain(&inbox), [update(5), update(5)]);
    }

    #[test]
    fn too_much_in_all_inboxes_becomes_a_lag_of_the_next() {
        let (limit, sum) = (Bound { count: 1000, bytes: 1 << 20 }, Sum::new(64 << 10));
        let (full, other) = (Inbox::new(limit, sum.share()), Inbox::new(limit, sum.share()));
        full.push(update(100 << 10));
        // A single message passes, whatever its size.
        other.push(update(1));
        other.push(update(2));
        other.push(update(3));
        assert_eq!(drain(&other), [Delivery::Lagged, update(3)]);
        assert_eq!(drain(&full), [update(100 << 10)]);
        other.push(update(1));
        other.push(update(2));
        assert_eq!(drain(&other), [update(1), update(2)]);
    }
}
