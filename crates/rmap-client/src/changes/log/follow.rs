//! Streams that show a content of their own: they read up to a mark, where they know which revision they have reached.
//!
//! The driver sets a mark whenever all changes of the content are in the log. Nothing is folded across the last mark, nor
//! across the one that a follower reads up to, since both count as places where a stream stands.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use rmap_core::{Progress, View};
use tokio::sync::oneshot;

use super::Log;
use super::place::{Item, Place};
use crate::feed::StreamId;

/// A place in the log at which the changes before it give exactly the content of a known progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) place: u64,
    pub(crate) progress: Progress,
    /// Time of the last proof of freshness.
    pub(crate) fresh_at: Option<Duration>,
    /// True for a stored content that no server has confirmed.
    pub(crate) stored: bool,
}

/// The streams that read up to marks.
#[derive(Debug, Default)]
pub(super) struct Followers {
    last: Option<Mark>,
    /// Up to where each reads now.
    aims: HashMap<StreamId, Option<Place>>,
}

impl<C: Item> Log<C> {
    /// Asks for a stream that follows.
    pub(crate) fn follow(&mut self, stream: StreamId, view: oneshot::Sender<View>) {
        self.followers.aims.insert(stream, None);
        self.ask(stream, Some(view));
    }

    /// All changes of the content are in the log.
    pub(crate) fn mark(&mut self, progress: Progress, fresh_at: Option<Duration>, stored: bool) {
        if self.followers.aims.is_empty() {
            return;
        }
        let place = self.next;
        self.stand(place, 1);
        if let Some(before) = self.followers.last.replace(Mark { place, progress, fresh_at, stored }) {
            self.leave_place(before.place);
        }
    }

    /// The place behind all changes so far. The next mark is there or later.
    pub(crate) const fn end_place(&self) -> u64 {
        self.next
    }

    /// The last mark, up to which a follower reads from now on; `None` before there is one that it can reach.
    pub(crate) fn aim(&mut self, stream: StreamId) -> Option<Mark> {
        let at = *self.streams.get(&stream)?;
        let mark = self.followers.last.filter(|mark| mark.place >= at)?;
        self.stand(mark.place, 1);
        if let Some(Some(before)) = self.followers.aims.insert(stream, Some(mark.place)) {
            self.leave_place(before);
        }
        Some(mark)
    }

    /// Takes the next change before `end`. Without one the follower has reached `end`.
    pub(crate) fn take_before(&mut self, stream: StreamId, end: Place) -> Option<C> {
        let place = *self.streams.get(&stream)?;
        if place >= end {
            return None;
        }
        let next = self.at(place).filter(|(number, _)| *number < end);
        self.go_on(stream, place, next.as_ref().map_or(end, |(number, _)| number + 1));
        next.map(|(_, change)| change)
    }

    /// True when nothing more will come.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn stop_following(&mut self, stream: StreamId) {
        if let Some(Some(aim)) = self.followers.aims.remove(&stream) {
            self.leave_place(aim);
        }
        if self.followers.aims.is_empty() {
            self.forget_mark();
        }
    }

    pub(super) fn forget_mark(&mut self) {
        if let Some(mark) = self.followers.last.take() {
            self.leave_place(mark.place);
        }
    }
}
