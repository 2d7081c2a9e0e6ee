//! The changes of a map that not all of its streams have read, kept once for all of them.
//!
//! Each stream stands at a place of the log. What lies before the place of the last of them is forgotten. The youngest
//! changes, as many as a stream may leave unread, stay as they are; older ones are *folded*: of two changes of one key, the
//! earlier is taken out and its old value goes to the later. That is right for every stream that stands before both or
//! behind both, and so it is done only where no stream stands in between.
//!
//! The driver waits for the log, and with it all tasks of its thread. So no call goes through more than a bounded number of
//! changes, however many there are.

mod fold;
mod place;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use rmap_core::{Change, View};
use tokio::sync::oneshot;

use self::fold::Folded;
use self::place::{Place, Places, weight};
use crate::feed::{Backlog, StreamId};
use crate::settings::Bound;
use crate::sum::Share;

/// Most changes that become old, or are forgotten, in one call.
const AT_ONCE: usize = 1024;

/// Capacity that a log keeps while nothing is unread.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug)]
pub(crate) struct Log {
    /// What may stay as it is.
    limit: Bound,
    /// Of what all logs of the client keep.
    share: Share,
    /// Older changes.
    old: Folded,
    /// Changes as they came, the oldest first. Their numbers are those before `next`.
    young: VecDeque<Change>,
    young_bytes: usize,
    /// The number of the next change.
    next: u64,
    streams: HashMap<StreamId, Place>,
    /// How many streams stand at each place.
    places: Places,
    /// Streams that wait for the driver to begin them.
    asked: HashMap<StreamId, Option<oneshot::Sender<View>>>,
}

impl Backlog for Log {
    type In = Change;
    type Out = Change;

    fn put(&mut self, change: Change) {
        if self.streams.is_empty() {
            return;
        }
        self.young_bytes += weight(&change);
        self.young.push_back(change);
        self.next += 1;
        self.share.set(self.bytes());
        self.age();
    }

    fn take(&mut self, stream: StreamId) -> Option<Change> {
        let place = *self.streams.get(&stream)?;
        let (number, change) = self.at(place)?;
        self.stand(number + 1, 1);
        self.streams.insert(stream, number + 1);
        if self.leave_place(place) {
            self.tidy();
        }
        Some(change)
    }

    fn leave(&mut self, stream: StreamId) {
        self.asked.remove(&stream);
        if let Some(place) = self.streams.remove(&stream) {
            self.leave_place(place);
        }
    }

    /// Forgets what all streams have read.
    fn tidy(&mut self) -> bool {
        let end = self.places.first_key_value().map_or(self.next, |(place, _)| *place);
        let more = (0..AT_ONCE).all(|_| self.forget_one(end));
        if self.young.is_empty() && self.young.capacity() > KEPT_CAPACITY {
            self.young = VecDeque::new();
        }
        self.share.set(self.bytes());
        more
    }

    /// Whoever waits for a stream to begin need not wait any more.
    fn end(&mut self) {
        self.asked.clear();
    }
}

impl Log {
    pub(crate) fn new(limit: Bound, share: Share) -> Self {
        Self {
            limit,
            share,
            old: Folded::default(),
            young: VecDeque::new(),
            young_bytes: 0,
            next: 0,
            streams: HashMap::new(),
            places: Places::new(),
            asked: HashMap::new(),
        }
    }

    /// Asks for a stream; the driver begins it, and tells its content then if somebody wants to know it.
    pub(crate) fn ask(&mut self, stream: StreamId, view: Option<oneshot::Sender<View>>) {
        self.asked.insert(stream, view);
    }

    /// Begins the streams that were asked for. Returns who wants to know the content.
    pub(crate) fn begin(&mut self) -> Vec<oneshot::Sender<View>> {
        let asked = std::mem::take(&mut self.asked);
        if !asked.is_empty() {
            self.stand(self.next, asked.len());
        }
        self.streams.extend(asked.keys().map(|stream| (*stream, self.next)));
        asked.into_values().flatten().collect()
    }

    fn bytes(&self) -> usize {
        self.old.bytes() + self.young_bytes
    }

    /// The number of the first young change.
    fn first_young(&self) -> u64 {
        self.next - self.young.len() as u64
    }

    /// The first change at this place or behind it, with its number.
    fn at(&self, place: Place) -> Option<(u64, Change)> {
        let first_young = self.first_young();
        if place < first_young
            && let Some((number, change)) = self.old.at(place)
        {
            return Some((number, change.clone()));
        }
        let number = place.max(first_young);
        let index = usize::try_from(number - first_young).ok()?;
        self.young.get(index).map(|change| (number, change.clone()))
    }

    fn stand(&mut self, place: Place, streams: usize) {
        *self.places.entry(place).or_default() += streams;
    }

    /// A stream stands here no more. True when nobody does.
    fn leave_place(&mut self, place: Place) -> bool {
        let Some(streams) = self.places.get_mut(&place) else { return false };
        *streams -= 1;
        let left = *streams == 0;
        if left {
            self.places.remove(&place);
        }
        left
    }

    /// Folds what is too much to stay as it is: everything, when all logs of the client together keep too much.
    fn age(&mut self) {
        for _ in 0..AT_ONCE {
            let fits = self.young.len() <= self.limit.count && self.young_bytes <= self.limit.bytes;
            if fits && !self.share.is_too_much() {
                break;
            }
            let number = self.first_young();
            let Some(change) = self.young.pop_front() else { break };
            self.young_bytes -= weight(&change);
            self.old.put(number, change, &self.places);
        }
        self.share.set(self.bytes());
    }

    /// Forgets the oldest change if its number is below `end`. False when there is none.
    fn forget_one(&mut self, end: Place) -> bool {
        if self.old.forget_one(end) {
            return true;
        }
        if self.first_young() >= end {
            return false;
        }
        let Some(change) = self.young.pop_front() else { return false };
        self.young_bytes -= weight(&change);
        true
    }
}
