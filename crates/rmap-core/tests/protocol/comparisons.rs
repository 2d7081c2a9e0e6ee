//! Differences after a replaced content, found in parts.

use rmap_core::{Disposition, EventKind, Phase, ReplicaSettings};

use crate::rig::{BORN, Rig, change, reset, set, snapshot};

const LETTERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A replica that went from `BORN` to `BORN` + 1, where all of these keys changed, and that is still comparing.
fn comparing() -> Rig {
    let with = |value| LETTERS.map(|key| (key, value));
    let mut rig = Rig::connected(ReplicaSettings::default().compared(1));
    rig.answer(snapshot(BORN, &with("1")));
    rig.work();
    assert_eq!(rig.changes().len(), LETTERS.len());
    rig.event = None;
    rig.lag();
    rig.answer(snapshot(BORN + 1, &with("2")));
    rig.shows(Some(BORN + 1), &with("2"));
    assert!(rig.replica.has_work() && rig.phase() == Phase::Live);
    rig
}

/// Each change begins with the value with which the last change of its key ended, and each key ends with the shown
/// value.
fn assert_emitted_in_order(rig: &mut Rig, last: &[(&str, &str)]) {
    rig.work();
    let mut folded: Vec<_> = LETTERS.map(|key| (key.to_owned(), Some("1".to_owned()))).into();
    for (key, old, new) in rig.changes() {
        let entry = folded.iter_mut().find(|(known, _)| *known == key).unwrap();
        assert_eq!(entry.1, old, "{key}");
        entry.1 = new;
    }
    folded.retain(|(_, value)| value.is_some());
    let shown: Vec<_> =
        last.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
    assert_eq!(folded, shown);
}

#[test]
fn what_changes_during_a_comparison_is_emitted_after_its_difference() {
    let mut rig = comparing();
    for (revision, key) in (BORN + 2..).zip(LETTERS) {
        assert_eq!(rig.notify(&set(revision, key, "3")), Disposition::Applied);
    }
    assert_eq!(rig.event, Some(EventKind::Changed));
    assert!(rig.replica.has_work());
    assert_emitted_in_order(&mut rig, &LETTERS.map(|key| (key, "3")));
}

#[test]
fn a_comparison_is_ended_before_the_next_begins() {
    let mut rig = comparing();
    assert_eq!(rig.notify(&reset(BORN + 2)), Disposition::Applied);
    assert_eq!(rig.event, Some(EventKind::Reset));
    assert_emitted_in_order(&mut rig, &[]);
}

#[test]
fn a_comparison_goes_on_without_a_connection_and_ends_with_the_map() {
    let mut rig = comparing();
    rig.replica.handle_disconnected(rig.now, "lost");
    assert_eq!((rig.replica.poll_timeout(), rig.replica.has_work()), (None, true));
    assert_emitted_in_order(&mut rig, &LETTERS.map(|key| (key, "2")));
    let mut rig = comparing();
    rig.replica.close(rig.now);
    assert_eq!((rig.replica.poll_timeout(), rig.replica.has_work()), (None, false));
}

#[test]
fn changes_are_recorded_from_the_content_on_that_they_begin_with() {
    let mut rig = comparing();
    rig.replica.observe_changes(false);
    assert_eq!(rig.changes(), []);
    rig.replica.observe_changes(true);
    rig.notify(&set(BORN + 2, "a", "3"));
    rig.work();
    assert_eq!(rig.changes(), [change("a", Some("2"), Some("3"))]);
    assert_eq!(rig.event, Some(EventKind::Changed));
}
