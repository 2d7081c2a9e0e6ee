//! The changes of a map that not all of its streams have read, kept once for all of them.
//!
//! Each stream stands at a place of the log. What lies before the place of the last of them is forgotten. The youngest
//! changes, as many as a stream may leave unread, stay as they are; older ones are *folded*: of two changes of one key, the
//! earlier is taken out and its old value goes to the later. That is right for every stream that stands before both or
//! behind both, and so it is done only where no stream stands in between.

mod fold;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use rmap_core::{Change, Value, View};
use tokio::sync::oneshot;

use crate::feed::{Backlog, StreamId};
use crate::settings::Bound;
use crate::sum::Share;

/// What a change takes beside its key and values.
const CHANGE_BYTES: usize = 96;

/// Most changes that become old when one comes in, so that no single one takes long.
const AGED_AT_ONCE: usize = 1024;

/// So many folded changes are few, and not worth going through again.
const FEW: usize = 1024;

/// Capacity that a log keeps while nothing is unread.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug)]
pub(crate) struct Log {
    /// What may stay as it is.
    limit: Bound,
    /// Of what all logs of the client keep.
    share: Share,
    /// The oldest first. The first has a stream at it.
    slots: VecDeque<Slot>,
    bytes: usize,
    /// The number of the next change.
    next: u64,
    /// How many streams have read everything.
    at_end: usize,
    streams: HashMap<StreamId, Place>,
    /// Streams that wait for the driver to begin them.
    asked: HashMap<StreamId, Option<oneshot::Sender<View>>>,
    /// How many of the slots, from the first on, are folded.
    old: usize,
    /// Bytes of the others.
    young_bytes: usize,
    /// The number of the latest old change of each key.
    latest: HashMap<Value, u64>,
    /// Before this number no change is folded into one behind it: a stream stands there, or did.
    border: u64,
    /// When there are more old ones, those are folded between which a stream no longer stands.
    many: usize,
}

/// The number of the next change of a stream.
type Place = u64;

/// A change. Numbers rise, and may leave some out.
#[derive(Debug)]
struct Slot {
    number: u64,
    /// `None`: it was folded into a later one, or into nothing.
    change: Option<Change>,
    /// How many streams have this as their next.
    standing: usize,
}

impl Backlog for Log {
    type In = Change;
    type Out = Change;

    fn put(&mut self, change: Change) {
        if self.streams.is_empty() {
            return;
        }
        let bytes = weight(&change);
        self.bytes += bytes;
        self.young_bytes += bytes;
        let standing = std::mem::take(&mut self.at_end);
        self.slots.push_back(Slot { number: self.next, change: Some(change), standing });
        self.next += 1;
        self.share.set(self.bytes);
        self.age();
    }

    fn take(&mut self, stream: StreamId) -> Option<Change> {
        let place = *self.streams.get(&stream)?;
        let from = self.find(place);
        let found = (from..self.slots.len()).find(|index| self.slots[*index].change.is_some());
        let change = found.and_then(|index| self.slots[index].change.clone());
        let to = found.map_or(self.slots.len(), |index| index + 1);
        if from < to {
            self.move_stream(stream, from, to);
        }
        change
    }

    fn leave(&mut self, stream: StreamId) {
        self.asked.remove(&stream);
        let Some(place) = self.streams.remove(&stream) else { return };
        *self.standing(self.find(place)) -= 1;
        self.forget();
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
            slots: VecDeque::new(),
            bytes: 0,
            next: 0,
            at_end: 0,
            streams: HashMap::new(),
            asked: HashMap::new(),
            old: 0,
            young_bytes: 0,
            latest: HashMap::new(),
            border: 0,
            many: FEW,
        }
    }

    /// Asks for a stream; the driver begins it, and tells its content then if somebody wants to know it.
    pub(crate) fn ask(&mut self, stream: StreamId, view: Option<oneshot::Sender<View>>) {
        self.asked.insert(stream, view);
    }

    /// Begins the streams that were asked for. Returns who wants to know the content.
    pub(crate) fn begin(&mut self) -> Vec<oneshot::Sender<View>> {
        let asked = std::mem::take(&mut self.asked);
        self.at_end += asked.len();
        self.streams.extend(asked.keys().map(|stream| (*stream, self.next)));
        asked.into_values().flatten().collect()
    }

    /// The index of the first slot with this number or a higher one.
    fn find(&self, number: u64) -> usize {
        let Some(first) = self.slots.front() else { return 0 };
        // Numbers that are left out only bring it nearer.
        let ahead = usize::try_from(number.saturating_sub(first.number)).unwrap_or(usize::MAX);
        match self.slots.get(ahead) {
            Some(slot) if slot.number == number => ahead,
            _ => self.slots.partition_point(|slot| slot.number < number),
        }
    }

    /// How many streams stand there.
    fn standing(&mut self, index: usize) -> &mut usize {
        match self.slots.get_mut(index) {
            Some(slot) => &mut slot.standing,
            None => &mut self.at_end,
        }
    }

    fn move_stream(&mut self, stream: StreamId, from: usize, to: usize) {
        *self.standing(from) -= 1;
        *self.standing(to) += 1;
        let place = self.slots.get(to).map_or(self.next, |slot| slot.number);
        self.streams.insert(stream, place);
        if to < self.old {
            self.border = self.border.max(place);
        }
        if from == 0 {
            self.forget();
        }
    }

    /// Forgets what all streams have read.
    fn forget(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.standing == 0)
            && let Some(slot) = self.slots.pop_front()
        {
            let bytes = slot.change.as_ref().map_or(0, weight);
            self.bytes -= bytes;
            if self.old == 0 {
                self.young_bytes -= bytes;
                continue;
            }
            self.old -= 1;
            if let Some(change) = slot.change
                && self.latest.get(&change.key) == Some(&slot.number)
            {
                self.latest.remove(&change.key);
            }
        }
        if self.slots.is_empty() && self.slots.capacity() > KEPT_CAPACITY {
            self.slots = VecDeque::new();
            self.latest = HashMap::new();
            self.many = FEW;
        }
        self.share.set(self.bytes);
    }
}

fn weight(change: &Change) -> usize {
    let length = |value: &Option<Value>| value.as_ref().map_or(0, Value::len);
    CHANGE_BYTES + change.key.len() + length(&change.old) + length(&change.new)
}
