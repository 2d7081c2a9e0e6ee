//! Applying notifications to a content that is in step.

use std::time::Duration;

use rmap_proto::{Change as Wire, Key, Notification, Revision, is_reserved};

use super::{Mode, PartialBatch, Replica, loss};
use crate::Value;
use crate::content::{Edit, Table};
use crate::output::{Change, Disposition, EventKind};
use crate::status::{Phase, Reason};

/// Number of reserved fields in a hash that one notification determines: `=rev` and `=kind`.
const RESERVED_WHEN_WHOLE: u64 = 2;

/// A content that notifications determine completely, whatever the replica held before.
struct Whole<'a> {
    /// The revision of the first change of the run, and of the last.
    first: Revision,
    last: Revision,
    /// True when the hash did not exist before.
    born: bool,
    edits: &'a [Edit],
}

impl<'a> Whole<'a> {
    const fn cleared(revision: Revision) -> Self {
        Self { first: revision, last: revision, born: false, edits: &[] }
    }

    const fn born(revision: Revision, edits: &'a [Edit]) -> Self {
        Self { first: revision, last: revision, born: true, edits }
    }
}

impl Replica {
    pub(super) fn on_live_notification(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        let notification = match Notification::decode(payload) {
            Ok(notification) => notification,
            Err(error) => return self.gap(now, Reason::Undecodable(error)),
        };
        if notification.key().is_some_and(is_reserved) {
            return Disposition::Ignored;
        }
        let Mode::Live(live) = &mut self.mode else { return Disposition::Ignored };
        let disposition = match live.batch.take() {
            Some(batch) if !notification.is_whole() => self.continue_batch(now, batch, &notification),
            _ => self.apply(now, &notification),
        };
        if disposition == Disposition::Applied {
            self.expect_expiry(now);
        }
        disposition
    }

    fn gap(&mut self, now: Duration, reason: Reason) -> Disposition {
        self.resync(now, reason);
        Disposition::Gap
    }

    fn apply(&mut self, now: Duration, notification: &Notification<'_>) -> Disposition {
        let local = self.content.progress().revision();
        // A kept content has no hash that a notification could continue.
        let kept = self.lost.kept;
        let first_of_go = (local.is_none() || kept) && notification.revision == Revision::ONE;
        let follows = !kept && local.is_some_and(|local| notification.revision.follows(local));
        if !(notification.is_whole() || first_of_go || follows) {
            return self.gap(now, Reason::Gap { local, found: notification.revision });
        }
        if notification.remaining > 0 {
            return self.begin_batch(now, notification);
        }
        match notification.change {
            Wire::Reset | Wire::Destroy => self.apply_whole(now, Whole::cleared(notification.revision)),
            Wire::Set { key, value } if notification.born || first_of_go => {
                let edit = Edit::Set(Value::stored(key, value));
                self.apply_whole(now, Whole::born(notification.revision, &[edit]));
            }
            Wire::Set { key, value } => self.apply_set(notification.revision, key, value),
            Wire::Delete { .. } if notification.born || first_of_go => {
                self.apply_whole(now, Whole::born(notification.revision, &[]));
            }
            Wire::Delete { key } => self.apply_delete(notification.revision, key),
        }
        Disposition::Applied
    }

    fn apply_set(&mut self, revision: Revision, key: &[u8], value: &[u8]) {
        self.before_change(key);
        let value = Value::stored(key, value);
        let recorded = self.changes.are_observed().then(|| value.clone());
        let old = self.content.set(revision, value);
        self.changes.notify(key);
        if self.changes.are_observed() {
            self.changes.record(Change {
                revision: Some(revision),
                key: Key::stored(key),
                old,
                new: recorded,
            });
        }
        self.emit_changed(EventKind::Changed);
    }

    fn apply_delete(&mut self, revision: Revision, key: &[u8]) {
        self.before_change(key);
        let old = self.content.delete(revision, key);
        self.changes.notify(key);
        if self.changes.are_observed() && old.is_some() {
            self.changes.record(Change { revision: Some(revision), key: Key::stored(key), old, new: None });
        }
        self.emit_changed(EventKind::Deleted);
    }

    /// Replaces the content with the edits alone. The replica is then in step, even if it was still scanning.
    fn apply_whole(&mut self, now: Duration, whole: Whole<'_>) {
        let Whole { first, last, born, edits } = whole;
        let local = self.content.progress().revision();
        let fell = local.is_some_and(|local| first <= local);
        let follows = local.is_some_and(|local| first.follows(local));
        if born && local.is_some() {
            loss::of_former_life(self.content.len());
        }
        self.replace_restored(true);
        let mut table = Table::new(self.content.hasher());
        for edit in edits {
            match edit {
                Edit::Set(value) => table.put(value.clone()),
                Edit::Delete(key) => table.remove(key),
            }
        }
        // The notification of a reset may arrive twice, and then counts once. A reset in its proper place counts even
        // if another reset had the same revision.
        let cleared =
            if born { local.is_some() } else { self.changes.is_first_reset(first) || local != Some(first) };
        self.replace_content(table, cleared, |progress| {
            if fell {
                progress.break_history();
            }
            if born && !follows {
                progress.begin_life(last);
            }
            progress.jump(Some(last));
        });
        self.reserved = RESERVED_WHEN_WHOLE;
        // Whoever waits to read proven content again need not wait for the next probe.
        self.sync_wanted |= self.lost.kept;
        self.found();
        self.on_whole(now, first, local);
        if self.status.phase != Phase::Live {
            self.set_phase(now, Phase::Live, Reason::InStep);
        }
        self.probe_if_wanted(now);
    }

    /// Prepares comparison and verification for a notification that is about to change a key.
    fn before_change(&mut self, key: &[u8]) {
        self.compare_key(key);
        self.touch(key);
    }

    fn begin_batch(&mut self, now: Duration, notification: &Notification<'_>) -> Disposition {
        let Some(mut batch) = PartialBatch::begin(notification, &self.settings) else {
            return self.gap(now, Reason::BrokenBatch);
        };
        batch.born |= self.content.progress().revision().is_none() || self.lost.kept;
        self.keep_batch(batch)
    }

    fn continue_batch(
        &mut self,
        now: Duration,
        mut batch: PartialBatch,
        next: &Notification<'_>,
    ) -> Disposition {
        if !batch.add(next, &self.settings) {
            return self.gap(now, Reason::BrokenBatch);
        }
        if !batch.is_complete() {
            return self.keep_batch(batch);
        }
        if batch.born {
            let PartialBatch { first, revision, .. } = batch;
            self.apply_whole(now, Whole { first, last: revision, born: true, edits: &batch.edits });
        } else {
            self.apply_edits(batch.revision, &batch.edits);
        }
        Disposition::Applied
    }

    fn keep_batch(&mut self, batch: PartialBatch) -> Disposition {
        if let Mode::Live(live) = &mut self.mode {
            live.batch = Some(batch);
        }
        Disposition::Held
    }

    pub(super) fn apply_edits(&mut self, revision: Revision, edits: &[Edit]) {
        edits.iter().for_each(|edit| self.before_change(edit.key()));
        let mut kind = EventKind::Changed;
        let (observed, changes) = (self.changes.are_observed(), &mut self.changes);
        self.content.apply(revision, edits, |edit, old| {
            changes.notify(edit.key());
            let new = edit.value();
            if new.is_none() {
                kind = kind.max(EventKind::Deleted);
            }
            if observed && (old.is_some() || new.is_some()) {
                let (key, new) = (Key::stored(edit.key()), new.cloned());
                changes.record(Change { revision: Some(revision), key, old, new });
            }
        });
        self.emit_changed(kind);
    }
}
