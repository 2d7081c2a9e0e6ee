//! Joins, and inputs that arrive during a join.

use rmap_core::{Disposition, EventKind, Phase, ReplicaSettings, Request, RequestId};
use rmap_proto::{Entries, Page, ReadReply};

use crate::rig::{BORN, Rig, change, delete, no_hash, set, snapshot};

#[test]
fn a_join_drops_what_came_before_the_mark_and_holds_what_came_after() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    assert_eq!(rig.phase(), Phase::Joining);
    let (id, request) = rig.asked();
    assert!(matches!(request, Request::Snapshot { .. }));
    assert_eq!(rig.notify(&set(BORN, "a", "old")), Disposition::Ignored);
    rig.mark(id);
    assert_eq!(rig.notify(&set(BORN + 2, "b", "2")), Disposition::Held);
    rig.shows(None, &[]);
    rig.reply(id, snapshot(BORN + 1, &[("a", "1")]));
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 2), &[("a", "1"), ("b", "2")]);
}

#[test]
fn the_reply_may_come_before_the_mark() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    let (id, _) = rig.asked();
    rig.reply(id, snapshot(BORN + 1, &[("a", "1")]));
    assert_eq!(rig.phase(), Phase::Joining);
    assert_eq!(rig.notify(&set(BORN + 1, "a", "1")), Disposition::Ignored);
    rig.mark(id);
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 1), &[("a", "1")]);
}

#[test]
fn marks_and_replies_of_other_requests_change_nothing() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    let (id, _) = rig.asked();
    rig.replica.handle_mark(rig.now, b"junk");
    rig.replica.handle_mark(rig.now, b"99");
    rig.replica.handle_reply(rig.now, RequestId::new(99.try_into().unwrap()), Ok(no_hash()));
    rig.replica.handle_reply(rig.now, id, Ok(ReadReply::Page(Page::new(0, Entries::default()))));
    assert_eq!(rig.phase(), Phase::Joining);
    rig.mark(id);
    rig.reply(id, no_hash());
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn anything_but_the_next_revision_is_a_gap_and_keeps_the_old_content() {
    for payload in [
        set(BORN + 2, "a", "2"),
        set(BORN, "a", "2"),
        set(BORN - 5, "a", "2"),
        delete(7, "a"),
        b"set:".to_vec(),
    ] {
        let mut rig = Rig::live();
        assert_eq!(rig.notify(&payload), Disposition::Gap);
        assert_eq!(rig.phase(), Phase::Resyncing);
        rig.shows(Some(BORN), &[("a", "1")]);
        assert_eq!(rig.event, None);
        rig.answer(snapshot(BORN + 3, &[("b", "2")]));
        rig.shows(Some(BORN + 3), &[("b", "2")]);
        let mut changes = rig.changes().split_off(1);
        changes.sort();
        assert_eq!(changes, [change("a", Some("1"), None), change("b", None, Some("2"))]);
        assert_eq!(rig.event, Some(EventKind::Deleted));
    }
}
