//! Applying notifications.

use rmap_core::{Disposition, EventKind, Phase, ReplicaSettings};
use rmap_proto::{Change, Notification};

use crate::rig::{BORN, Rig, change, delete, no_hash, reset, rev, set, tagged};

#[test]
fn a_key_with_an_equals_sign_is_ignored_with_its_revision() {
    let mut rig = Rig::live();
    assert_eq!(rig.notify(&set(BORN + 1, "=epoch", "x")), Disposition::Ignored);
    assert_eq!(rig.notify(&set(BORN + 1, "a", "2")), Disposition::Applied);
    rig.shows(Some(BORN + 1), &[("a", "2")]);
}

#[test]
fn a_prefetch_changes_nothing() {
    let mut payloads: Vec<_> =
        (1..100).map(|number| set(BORN + number, &format!("key {number}"), "1")).collect();
    payloads.push(delete(BORN + 100, "a"));
    let announced = [&payloads[..], &[reset(7), set(8, "a=b", "1"), b"rubbish".to_vec()]].concat();
    let (mut rig, mut other) = (Rig::live(), Rig::live());
    let before = (rig.replica.status().clone(), rig.replica.progress());
    rig.replica.prefetch(announced.iter().map(Vec::as_slice));
    assert_eq!((rig.replica.status().clone(), rig.replica.progress()), before);
    assert_eq!(rig.replica.poll_output(), None);
    rig.shows(Some(BORN), &[("a", "1")]);
    for payload in &payloads {
        assert_eq!(rig.notify(payload), Disposition::Applied);
        assert_eq!(other.notify(payload), Disposition::Applied);
    }
    assert_eq!(rig.changes(), other.changes());
    // The same holds while notifications are held or ignored.
    rig.replica.handle_disconnected(rig.now, "test");
    rig.replica.prefetch(announced.iter().map(Vec::as_slice));
    assert_eq!(rig.replica.progress(), other.replica.progress());
}

#[test]
fn whole_snapshots_apply_at_any_revision() {
    for (payload, shown) in [
        (reset(BORN - 100), (BORN - 100, &[][..])),
        (reset(BORN + 1), (BORN + 1, &[])),
        (tagged(BORN + 500, "n", "new", true, 0), (BORN + 500, &[("n", "new")])),
        (tagged(BORN + 1, "n", "new", true, 0), (BORN + 1, &[("n", "new")])),
    ] {
        let mut rig = Rig::live();
        assert_eq!(rig.notify(&payload), Disposition::Applied);
        rig.shows(Some(shown.0), shown.1);
        assert_eq!(rig.event, Some(EventKind::Reset));
        assert_eq!(rig.phase(), Phase::Live);
    }
}

#[test]
fn the_status_shows_a_revision_that_came_without_content() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    let notification = Notification::new(rev(BORN), Change::Delete { key: b"a" });
    assert_eq!(rig.notify(&notification.born(true).encode()), Disposition::Applied);
    assert_eq!(rig.replica.status().revision, Some(rev(BORN)));
}

#[test]
fn revision_1_applies_only_where_there_is_no_hash() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    assert_eq!(rig.notify(&set(1, "a", "1")), Disposition::Applied);
    rig.shows(Some(1), &[("a", "1")]);
    assert_eq!(rig.event, Some(EventKind::Changed));
    assert_eq!(rig.notify(&set(1, "a", "2")), Disposition::Gap);
}

/// A Go peer may begin a life with a key that is already gone, or delete a key that only the hash had.
#[test]
fn a_delete_is_applied_and_emitted_like_a_set() {
    let mut rig = Rig::live();
    rig.changes();
    assert_eq!(rig.notify(&delete(BORN + 1, "a")), Disposition::Applied);
    rig.shows(Some(BORN + 1), &[]);
    assert_eq!((rig.event, rig.changes()), (Some(EventKind::Deleted), vec![change("a", Some("1"), None)]));

    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    assert_eq!(rig.notify(&delete(1, "a")), Disposition::Applied);
    rig.shows(Some(1), &[]);
}

#[test]
fn a_batch_is_shown_at_its_end_or_not_at_all() {
    let mut rig = Rig::live();
    assert_eq!(rig.notify(&tagged(BORN + 1, "b", "2", false, 2)), Disposition::Held);
    assert_eq!(rig.notify(&tagged(BORN + 2, "c", "3", false, 1)), Disposition::Held);
    rig.shows(Some(BORN), &[("a", "1")]);
    assert_eq!(rig.notify(&delete(BORN + 3, "a")), Disposition::Applied);
    rig.shows(Some(BORN + 3), &[("b", "2"), ("c", "3")]);

    rig.notify(&tagged(BORN + 4, "d", "4", false, 2));
    assert_eq!(rig.notify(&set(BORN + 5, "e", "5")), Disposition::Gap);
    rig.shows(Some(BORN + 3), &[("b", "2"), ("c", "3")]);
}
