//! The unread changes of a map, kept once for all of its streams.
//!
//! Each stream stands at a place of the log. Changes before the place of the slowest stream are forgotten. The
//! youngest changes, up to the bound, stay as they are. Older changes are **folded**: of two changes of one key, the
//! earlier is removed and its old value moves to the later. Folding is right for every stream that stands before both
//! or behind both, so it never happens across the place of a stream.
//!
//! The driver waits for the log, and all tasks of its thread wait with it. So every call handles a bounded number of
//! changes.

mod fold;
mod follow;
mod place;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use rmap_core::{Change, View};
use tokio::sync::oneshot;

use self::fold::Folded;
use self::follow::Followers;
pub(crate) use self::follow::Mark;
pub(crate) use self::place::Item;
use self::place::{Place, Places};
use crate::feed::{Backlog, StreamId};
use crate::settings::Bound;
use crate::sum::Share;

/// Most changes that become old, or are forgotten, in one call.
const AT_ONCE: usize = 1024;

/// Capacity that a log keeps while nothing is unread.
const KEPT_CAPACITY: usize = 64;

#[derive(Debug)]
pub(crate) struct Log<C = Change> {
    /// Bound of the young changes.
    limit: Bound,
    /// This log's share of the bytes of all logs of the client.
    share: Share,
    /// Older changes.
    old: Folded<C>,
    /// Unfolded changes, the oldest first. Their numbers are those before `next`.
    young: VecDeque<C>,
    young_bytes: usize,
    /// The number of the next change.
    next: u64,
    streams: HashMap<StreamId, Place>,
    /// Number of streams at each place.
    places: Places,
    /// Streams that wait for the driver to start them.
    asked: HashMap<StreamId, Option<oneshot::Sender<View>>>,
    followers: Followers,
    ended: bool,
}

impl<C: Item> Backlog for Log<C> {
    type In = C;
    type Out = C;

    fn put(&mut self, change: C) {
        if self.streams.is_empty() {
            return;
        }
        self.young_bytes += change.weight();
        self.young.push_back(change);
        self.next += 1;
        self.share.set(self.bytes());
        self.fold_excess();
    }

    fn take(&mut self, stream: StreamId) -> Option<C> {
        let place = *self.streams.get(&stream)?;
        let (number, change) = self.at(place)?;
        self.go_on(stream, place, number + 1);
        Some(change)
    }

    fn leave(&mut self, stream: StreamId) {
        self.asked.remove(&stream);
        self.stop_following(stream);
        if let Some(place) = self.streams.remove(&stream) {
            self.leave_place(place);
        }
    }

    /// Forgets changes that all streams have read.
    fn tidy(&mut self) -> bool {
        let end = self.places.first_key_value().map_or(self.next, |(place, _)| *place);
        let more = (0..AT_ONCE).all(|_| self.forget_one(end));
        if self.young.is_empty() && self.young.capacity() > KEPT_CAPACITY {
            self.young = VecDeque::new();
        }
        self.share.set(self.bytes());
        more
    }

    /// Releases the callers that wait for a stream to start.
    fn end(&mut self) {
        self.asked.clear();
        self.ended = true;
    }
}

impl<C: Item> Log<C> {
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
            followers: Followers::default(),
            ended: false,
        }
    }

    /// Requests a stream. The driver starts it, and sends `view` the content of that moment.
    pub(crate) fn ask(&mut self, stream: StreamId, view: Option<oneshot::Sender<View>>) {
        self.asked.insert(stream, view);
    }

    /// Starts the requested streams. Returns the senders that want the content.
    pub(crate) fn begin(&mut self) -> Vec<oneshot::Sender<View>> {
        let asked = std::mem::take(&mut self.asked);
        // An older mark can have the place of these streams and yet an older content, since nothing was recorded.
        self.forget_mark();
        if !asked.is_empty() {
            self.stand(self.next, asked.len());
        }
        self.streams.extend(asked.keys().map(|stream| (*stream, self.next)));
        asked.into_values().flatten().collect()
    }

    /// Starts a stream at once, in a log that nobody else fills meanwhile.
    pub(crate) fn begin_now(&mut self, stream: StreamId) {
        self.stand(self.next, 1);
        self.streams.insert(stream, self.next);
    }

    fn bytes(&self) -> usize {
        self.old.bytes() + self.young_bytes
    }

    /// The number of the first young change.
    fn first_young(&self) -> u64 {
        self.next - self.young.len() as u64
    }

    /// The first change at this place or later, with its number.
    fn at(&self, place: Place) -> Option<(u64, C)> {
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

    /// Moves a stream past the changes before `to`.
    fn go_on(&mut self, stream: StreamId, from: Place, to: Place) {
        self.stand(to, 1);
        self.streams.insert(stream, to);
        if self.leave_place(from) {
            self.tidy();
        }
    }

    fn stand(&mut self, place: Place, streams: usize) {
        *self.places.entry(place).or_default() += streams;
    }

    /// Removes a stream from its place. True when no stream is left there.
    fn leave_place(&mut self, place: Place) -> bool {
        let Some(streams) = self.places.get_mut(&place) else { return false };
        *streams -= 1;
        let left = *streams == 0;
        if left {
            self.places.remove(&place);
        }
        left
    }

    /// Folds young changes beyond the bound; folds all of them when the logs of the client together exceed theirs.
    fn fold_excess(&mut self) {
        for _ in 0..AT_ONCE {
            let fits = self.young.len() <= self.limit.count && self.young_bytes <= self.limit.bytes;
            if fits && !self.share.is_too_much() {
                break;
            }
            let number = self.first_young();
            let Some(change) = self.young.pop_front() else { break };
            self.young_bytes -= change.weight();
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
        self.young_bytes -= change.weight();
        true
    }
}
