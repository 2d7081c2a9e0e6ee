//! The record of net changes.
//!
//! A replaced content is compared with the old content in parts, so that a large map does not block its thread.
//! Meanwhile the replica applies notifications. If one of them changes a key, the replica first records the key's
//! difference.

use std::collections::VecDeque;
use std::sync::Arc;

use rmap_proto::{Key, Revision};

use super::Replica;
use crate::content::{Content, Difference, Table};
use crate::output::{Change, EventKind};
use crate::progress::Progress;
use crate::{Value, Watchers};

/// Capacity that remains after all changes were taken. The difference of a large map needs much more for a short time.
const KEPT_CAPACITY: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Changes {
    observed: bool,
    unread: VecDeque<Change>,
    comparison: Option<Comparison>,
    /// The revision of the last reset or destroy that was emitted.
    reset: Option<Revision>,
    watchers: Option<Arc<dyn Watchers>>,
}

#[derive(Debug)]
struct Comparison {
    difference: Difference,
    /// The revision of the new content when it was installed.
    revision: Option<Revision>,
    /// False when the recording of changes began later, or has ended.
    recorded: bool,
}

impl Changes {
    /// True while changes are recorded.
    pub(super) const fn are_observed(&self) -> bool {
        self.observed
    }

    pub(super) fn observe(&mut self, on: bool) {
        self.observed = on;
        if !on {
            self.unread.clear();
            if let Some(comparison) = &mut self.comparison {
                comparison.recorded = false;
            }
        }
    }

    pub(super) fn record(&mut self, change: Change) {
        self.unread.push_back(change);
    }

    /// Notifies whoever watches this key alone.
    pub(super) fn notify(&self, key: &[u8]) {
        if let Some(watchers) = &self.watchers {
            watchers.changed(key);
        }
    }

    pub(super) fn take(&mut self) -> Option<Change> {
        let change = self.unread.pop_front();
        if self.unread.is_empty() && self.unread.capacity() > KEPT_CAPACITY {
            self.unread = VecDeque::new();
        }
        change
    }

    /// True when a reset or destroy with this revision was not emitted yet. The reset counts as emitted from now on.
    pub(super) fn is_first_reset(&mut self, revision: Revision) -> bool {
        self.reset.replace(revision) != Some(revision)
    }

    /// True until the comparison has covered every entry.
    pub(super) const fn is_comparing(&self) -> bool {
        self.comparison.is_some()
    }

    /// Drops the comparison.
    pub(super) fn stop(&mut self) {
        self.comparison = None;
    }

    fn begin(&mut self, before: Table, revision: Option<Revision>) {
        let difference = Difference::new(before);
        self.comparison = Some(Comparison { difference, revision, recorded: self.observed });
    }

    /// Compares about `entries` entries. Returns the kind of event, if any entry differs.
    pub(super) fn compare(&mut self, content: &Content, entries: usize) -> Option<EventKind> {
        self.go_on(|difference, record| difference.advance(content, entries, record))
    }

    /// Compares a key that is about to change. Returns the kind of event, if the key differs.
    fn compare_key(&mut self, content: &Content, key: &[u8]) -> Option<EventKind> {
        self.go_on(|difference, record| {
            difference.advance_key(content, key, record);
            true
        })
    }

    /// Runs one `step`, which returns whether there is more to compare.
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
                self.unread.push_back(Change { revision: *revision, key: Key::stored(key), old, new });
            }
        });
        if !goes_on {
            self.comparison = None;
        }
        kind
    }
}

impl Replica {
    /// Names who is to hear which keys change. That is nobody at first.
    ///
    /// In contrast to [recorded changes](Self::observe_changes) it hears of every key at once when a content is replaced,
    /// and it may hear of keys that have the same value as before.
    pub fn set_watchers(&mut self, watchers: Arc<dyn Watchers>) {
        self.changes.watchers = Some(watchers);
    }

    /// Replaces the whole content and emits the difference. Small contents are compared at once, large ones in parts.
    pub(super) fn replace_content(
        &mut self,
        table: Table,
        cleared: bool,
        change: impl FnOnce(&mut Progress),
    ) {
        // The previous comparison is against the content that is about to go, so it must end first.
        self.compare(usize::MAX);
        let before = self.content.replace(table, change);
        if let Some(watchers) = &self.changes.watchers {
            watchers.replaced();
        }
        let revision = self.content.progress().revision();
        let mut kind = cleared.then_some(EventKind::Reset);
        if before.len() == 0 && !self.changes.are_observed() {
            // Most joins get here: nobody observes single keys, so one event for all suffices.
            kind = kind.max((self.content.len() > 0).then_some(EventKind::Changed));
        } else {
            self.changes.begin(before, revision);
            kind = kind.max(self.changes.compare(&self.content, self.settings.compared));
        }
        match kind {
            Some(kind) => self.emit_changed(kind),
            // Without a differing entry the revision may still have changed.
            None => self.notify_status(),
        }
    }

    /// Emits the difference of a key that is about to change.
    pub(super) fn compare_key(&mut self, key: &[u8]) {
        if let Some(kind) = self.changes.compare_key(&self.content, key) {
            self.emit_changed(kind);
        }
    }
}
