//! The net changes that are told.
//!
//! Where a content took the place of another as a whole, the two are compared in parts, so that a large map does not keep
//! its thread from everything else. Notifications are applied meanwhile; of a key that one of them is about the difference
//! is told first.

use std::collections::VecDeque;

use rmap_proto::{Key, Revision};

use super::Replica;
use crate::Value;
use crate::content::{Content, Difference, Table};
use crate::output::{Change, EventKind};
use crate::progress::Progress;

/// Capacity that is kept when all changes have been taken: the difference of a large map needs much more.
const KEPT_CAPACITY: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Changes {
    observed: bool,
    told: VecDeque<Change>,
    comparison: Option<Comparison>,
    /// The revision of the last reset or destroy that was emitted.
    reset: Option<Revision>,
}

#[derive(Debug)]
struct Comparison {
    difference: Difference,
    /// That of the content when it was put in place.
    revision: Option<Revision>,
    /// False when the recording of changes began later, or has ended.
    recorded: bool,
}

impl Changes {
    /// Whether changes are worth telling.
    pub(super) const fn are_observed(&self) -> bool {
        self.observed
    }

    pub(super) fn observe(&mut self, on: bool) {
        self.observed = on;
        if !on {
            self.told.clear();
            if let Some(comparison) = &mut self.comparison {
                comparison.recorded = false;
            }
        }
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.told.push_back(change);
    }

    pub(super) fn take(&mut self) -> Option<Change> {
        let change = self.told.pop_front();
        if self.told.is_empty() && self.told.capacity() > KEPT_CAPACITY {
            self.told = VecDeque::new();
        }
        change
    }

    /// True when a reset or destroy with this revision is to be emitted: it is not the one that was.
    pub(super) fn is_first_reset(&mut self, revision: Revision) -> bool {
        self.reset.replace(revision) != Some(revision)
    }

    /// True until the comparison has gone through everything.
    pub(super) const fn is_comparing(&self) -> bool {
        self.comparison.is_some()
    }

    /// Gives the comparison up.
    pub(super) fn stop(&mut self) {
        self.comparison = None;
    }

    fn begin(&mut self, before: Table, revision: Option<Revision>) {
        let difference = Difference::new(before);
        self.comparison = Some(Comparison { difference, revision, recorded: self.observed });
    }

    /// Compares about so many entries; returns the strongest kind of difference found.
    pub(super) fn compare(&mut self, content: &Content, entries: usize) -> Option<EventKind> {
        self.go_on(|difference, tell| difference.advance(content, entries, tell))
    }

    /// Compares a key that is about to change; returns the kind of difference found.
    fn compare_key(&mut self, content: &Content, key: &[u8]) -> Option<EventKind> {
        self.go_on(|difference, tell| {
            difference.advance_key(content, key, tell);
            true
        })
    }

    /// `step` says whether there is more to compare.
    fn go_on(
        &mut self,
        step: impl FnOnce(&mut Difference, &mut dyn FnMut(&[u8], Option<&Value>, Option<&Value>)) -> bool,
    ) -> Option<EventKind> {
        let Comparison { difference, revision, recorded, .. } = self.comparison.as_mut()?;
        let mut kind = None;
        let goes_on = step(difference, &mut |key, old, new| {
            kind = kind.max(Some(if new.is_some() { EventKind::Changed } else { EventKind::Deleted }));
            if *recorded {
                let (old, new) = (old.cloned(), new.cloned());
                self.told.push_back(Change { revision: *revision, key: Key::stored(key), old, new });
            }
        });
        if !goes_on {
            self.comparison = None;
        }
        kind
    }
}

impl Replica {
    /// Puts another content in place as a whole, and tells how it differs from the one before: at once if both are small.
    pub(super) fn replace_content(
        &mut self,
        table: Table,
        cleared: bool,
        change: impl FnOnce(&mut Progress),
    ) {
        // The one before is about this content.
        self.compare(usize::MAX);
        let before = self.content.replace(table, change);
        let revision = self.content.progress().revision();
        let mut kind = cleared.then_some(EventKind::Reset);
        if before.len() == 0 && !self.changes.are_observed() {
            // Most joins: nobody wants to know of each key.
            kind = kind.max((self.content.len() > 0).then_some(EventKind::Changed));
        } else {
            self.changes.begin(before, revision);
            kind = kind.max(self.changes.compare(&self.content, self.config.compared));
        }
        match kind {
            Some(kind) => self.tell_changed(kind),
            // The revision may be another one all the same.
            None => self.tell_status(),
        }
    }

    /// Tells the difference of a key that is about to change.
    pub(super) fn compare_key(&mut self, key: &[u8]) {
        if let Some(kind) = self.changes.compare_key(&self.content, key) {
            self.tell_changed(kind);
        }
    }
}
