//! A reset is a command to services. It is emitted exactly once, even if it happened while nobody listened.

use rmap_core::{EventKind, ReplicaSettings, Request};
use rmap_proto::{Change, Entries, Notification, Probe, ReadReply, Snapshot};

use super::rig::{BORN, Rig, change, entries, no_hash, page, probe, reset, rev, set, snapshot};

/// The reply to a probe right after a reset.
fn cleared(revision: u64) -> Probe {
    probe(Some(revision), 0).cleared(true)
}

fn cleared_snapshot(revision: u64) -> ReadReply {
    ReadReply::Snapshot(Snapshot::new(cleared(revision), Some(entries(&[]))))
}

impl Rig {
    fn reconnect(&mut self) {
        let next = self.connection + 1;
        self.replica.handle_disconnected(self.now, "cut");
        self.connect(next);
        self.wait();
    }

    /// The event since the last call.
    fn emitted(&mut self) -> Option<EventKind> {
        self.event.take()
    }
}

#[test]
fn a_reset_that_happened_while_away_is_emitted() {
    let mut rig = Rig::live();
    rig.changes();
    rig.reconnect();
    rig.answer(cleared_snapshot(BORN + 7));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
    rig.shows(Some(BORN + 7), &[]);
    assert_eq!(rig.changes(), [change("a", Some("1"), None)]);
    // The reset is not emitted again after a reconnect, nor for its own notification.
    rig.reconnect();
    rig.answer(cleared_snapshot(BORN + 7));
    assert_eq!(rig.emitted(), None);
    rig.notify(&reset(BORN + 7));
    assert_eq!(rig.emitted(), None);
    // The next reset is another one.
    rig.notify(&reset(BORN + 8));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
}

/// The content stays empty, but a service that waits for the command must see the event.
#[test]
fn the_reset_of_an_empty_map_is_emitted() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(cleared_snapshot(BORN));
    assert_eq!(rig.emitted(), None, "nobody was there before the join");
    rig.reconnect();
    rig.answer(cleared_snapshot(BORN + 2));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));

    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    rig.reconnect();
    rig.answer(cleared_snapshot(BORN));
    assert_eq!(rig.emitted(), Some(EventKind::Reset), "there was no hash, and that was known");
}

#[test]
fn a_reset_before_a_later_write_is_a_difference() {
    let mut rig = Rig::live();
    rig.reconnect();
    rig.answer(snapshot(BORN + 3, &[("b", "2")]));
    assert_eq!(rig.emitted(), Some(EventKind::Deleted));
}

/// The notification was already applied, or an older copy of the map was restored.
#[test]
fn a_reset_that_was_emitted_is_not_emitted_by_a_snapshot() {
    let mut rig = Rig::live();
    rig.notify(&reset(BORN + 1));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
    rig.lag();
    rig.answer(cleared_snapshot(BORN + 1));
    assert_eq!(rig.emitted(), None);

    rig.notify(&set(BORN + 2, "b", "2"));
    rig.emitted();
    rig.lag();
    rig.wait();
    rig.answer(cleared_snapshot(BORN + 1));
    assert_eq!(rig.emitted(), Some(EventKind::Deleted), "below the local revision: an older state");

    // The server went back further, and is then at its former revision again.
    for reply in [snapshot(BORN, &[("a", "1")]), cleared_snapshot(BORN + 1)] {
        rig.lag();
        rig.wait();
        rig.answer(reply);
        assert!(rig.emitted() < Some(EventKind::Reset));
    }
}

#[test]
fn a_reset_is_emitted_in_its_place_where_another_had_its_revision() {
    let mut rig = Rig::live();
    rig.notify(&reset(BORN + 1));
    rig.lag();
    rig.answer(snapshot(BORN, &[("a", "1")]));
    rig.emitted();
    let destroy = Notification::new(rev(BORN + 1), Change::Destroy).encode();
    rig.notify(&destroy);
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
    rig.notify(&destroy);
    assert_eq!(rig.emitted(), None, "the same once more");
}

/// Three ways: the probe of a live replica, a probe that could have saved the snapshot, and the final probe of a scan.
#[test]
fn a_reset_is_emitted_whatever_found_it() {
    let mut rig = Rig::live();
    rig.wait();
    rig.answer(ReadReply::Probe(cleared(BORN + 1)));
    rig.answer(cleared_snapshot(BORN + 1));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));

    let large = ReplicaSettings::default().small_map(0, 0);
    let mut rig = Rig::connected(large);
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 1), None)));
    rig.answer(page(0, &[("a", "1")], &["=rev", "=kind"]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 1)));
    rig.emitted();
    rig.reconnect();
    assert_eq!(rig.asked[0].1, Request::Probe);
    rig.answer(ReadReply::Probe(cleared(BORN + 5)));
    rig.answer(ReadReply::Snapshot(Snapshot::new(cleared(BORN + 5), None)));
    rig.answer(page(0, &[], &["=rev", "=kind"]));
    assert_eq!(rig.emitted(), None);
    rig.answer(ReadReply::Probe(cleared(BORN + 5)));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
    rig.shows(Some(BORN + 5), &[]);
}

/// Changes between the mark of a snapshot and its reply come after the snapshot.
#[test]
fn a_reset_behind_the_mark_is_emitted_once() {
    let mut rig = Rig::live();
    rig.reconnect();
    let (id, _) = rig.asked();
    rig.notify(&reset(BORN + 1));
    rig.mark(id);
    rig.notify(&set(BORN + 2, "b", "2"));
    rig.notify(&reset(BORN + 3));
    rig.reply(id, cleared_snapshot(BORN + 1));
    assert_eq!(rig.emitted(), Some(EventKind::Reset));
    rig.shows(Some(BORN + 3), &[]);
    rig.reconnect();
    rig.answer(cleared_snapshot(BORN + 3));
    assert_eq!(rig.emitted(), None);
}

#[test]
fn a_hash_without_revision_is_no_reset() {
    let mut rig = Rig::live();
    rig.reconnect();
    let mut probe = cleared(0);
    probe.fields = 1;
    let content = Entries::new(Vec::new(), vec!["=kind".into()]);
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe, Some(content))));
    assert_eq!(rig.emitted(), Some(EventKind::Deleted));
}
