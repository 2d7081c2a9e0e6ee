//! The synchronisation protocol, input by input: what a replica asks for, what it shows, what it tells.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "protocol/expiry.rs"]
mod expiry;
#[path = "protocol/failover.rs"]
mod failover;
#[path = "protocol/lives.rs"]
mod lives;
#[path = "protocol/pauses.rs"]
mod pauses;
#[path = "protocol/resets.rs"]
mod resets;
#[path = "protocol/rig.rs"]
mod rig;

use std::time::Duration;

use rig::{
    BORN, Rig, SECOND, change, delete, entries, no_hash, page, probe, reset, rev, set, snapshot, tagged,
};
use rmap_core::{Config, Disposition, EventKind, Failure, Output, Phase, Reason, Request, RequestId, Wait};
use rmap_proto::{Change, Entries, Notification, Page, Probe, ReadReply, Snapshot};

#[test]
fn a_join_drops_what_came_before_the_mark_and_holds_what_came_after() {
    let mut rig = Rig::connected(Config::default());
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
    let mut rig = Rig::connected(Config::default());
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
    let mut rig = Rig::connected(Config::default());
    let (id, _) = rig.asked();
    rig.replica.handle_mark(rig.now, b"junk");
    rig.replica.handle_mark(rig.now, b"99");
    rig.replica.handle_reply(rig.now, RequestId::new(99.try_into().unwrap()), Ok(no_hash()));
    rig.replica.handle_reply(
        rig.now,
        id,
        Ok(ReadReply::Page(Page { cursor: 0, entries: Entries::default() })),
    );
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
        assert_eq!(rig.told, None);
        rig.answer(snapshot(BORN + 3, &[("b", "2")]));
        rig.shows(Some(BORN + 3), &[("b", "2")]);
        let mut changes = rig.changes().split_off(1);
        changes.sort();
        assert_eq!(changes, [change("a", Some("1"), None), change("b", None, Some("2"))]);
        assert_eq!(rig.told, Some(EventKind::Deleted));
    }
}

const LETTERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A replica at `BORN` + 1 that was at `BORN`, where all of these keys had another value, and still compares.
fn comparing() -> Rig {
    let with = |value| LETTERS.map(|key| (key, value));
    let mut rig = Rig::connected(Config::default().compared(1));
    rig.answer(snapshot(BORN, &with("1")));
    rig.work();
    assert_eq!(rig.changes().len(), LETTERS.len());
    rig.told = None;
    rig.lag();
    rig.answer(snapshot(BORN + 1, &with("2")));
    rig.shows(Some(BORN + 1), &with("2"));
    assert!(rig.replica.has_work() && rig.phase() == Phase::Live);
    rig
}

/// Whatever is left of a comparison, each key ends with what is shown, and each change begins where the last one ended.
fn assert_told_in_order(rig: &mut Rig, last: &[(&str, &str)]) {
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
fn what_changes_during_a_comparison_is_told_after_its_difference() {
    let mut rig = comparing();
    for (revision, key) in (BORN + 2..).zip(LETTERS) {
        assert_eq!(rig.notify(&set(revision, key, "3")), Disposition::Applied);
    }
    assert_eq!(rig.told, Some(EventKind::Changed));
    assert!(rig.replica.has_work());
    assert_told_in_order(&mut rig, &LETTERS.map(|key| (key, "3")));
}

#[test]
fn a_comparison_is_ended_before_the_next_begins() {
    let mut rig = comparing();
    assert_eq!(rig.notify(&reset(BORN + 2)), Disposition::Applied);
    assert_eq!(rig.told, Some(EventKind::Reset));
    assert_told_in_order(&mut rig, &[]);
}

#[test]
fn a_comparison_goes_on_without_a_connection_and_ends_with_the_map() {
    let mut rig = comparing();
    rig.replica.handle_disconnected(rig.now, "lost");
    assert_eq!((rig.replica.poll_timeout(), rig.replica.has_work()), (None, true));
    assert_told_in_order(&mut rig, &LETTERS.map(|key| (key, "2")));
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
    assert_eq!(rig.told, Some(EventKind::Changed));
}

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
    // Nor does it while notifications are held or ignored.
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
        assert_eq!(rig.told, Some(EventKind::Reset));
        assert_eq!(rig.phase(), Phase::Live);
    }
}

#[test]
fn the_status_tells_a_revision_that_came_without_content() {
    let mut rig = Rig::connected(Config::default());
    rig.answer(no_hash());
    let notification = Notification::new(rev(BORN), Change::Delete { key: b"a" });
    assert_eq!(rig.notify(&Notification { born: true, ..notification }.encode()), Disposition::Applied);
    assert_eq!(rig.replica.status().revision, Some(rev(BORN)));
}

#[test]
fn revision_1_applies_only_where_there_is_no_hash() {
    let mut rig = Rig::connected(Config::default());
    rig.answer(no_hash());
    assert_eq!(rig.notify(&set(1, "a", "1")), Disposition::Applied);
    rig.shows(Some(1), &[("a", "1")]);
    assert_eq!(rig.told, Some(EventKind::Changed));
    assert_eq!(rig.notify(&set(1, "a", "2")), Disposition::Gap);
}

/// A Go peer may begin a life with a key that is gone again, or delete what only the hash had.
#[test]
fn a_delete_is_applied_and_told_like_a_set() {
    let mut rig = Rig::live();
    rig.changes();
    assert_eq!(rig.notify(&delete(BORN + 1, "a")), Disposition::Applied);
    rig.shows(Some(BORN + 1), &[]);
    assert_eq!((rig.told, rig.changes()), (Some(EventKind::Deleted), vec![change("a", Some("1"), None)]));

    let mut rig = Rig::connected(Config::default());
    rig.answer(no_hash());
    assert_eq!(rig.notify(&delete(1, "a")), Disposition::Applied);
    rig.shows(Some(1), &[]);
}

#[test]
fn a_subscription_that_failed_is_asked_for_again() {
    let mut rig = Rig::new(Config::default());
    rig.replica.handle_connected(rig.now, 1);
    rig.drain();
    let former = rig.nonce.take().unwrap();
    let failure = Failure::Refused("NOPERM".to_owned());
    rig.replica.handle_subscribe_failed(rig.now, &former, failure.clone());
    rig.drain();
    assert_eq!(rig.replica.status().reason, Reason::Failed(failure));
    let begun = rig.now;
    rig.wait();
    assert!(rig.now - begun <= 2 * SECOND, "{:?}", rig.now - begun);
    let nonce = rig.nonce.take().expect("it asks again");
    // What comes too late is about a subscription that nobody wants any more.
    rig.replica.handle_subscribe_failed(rig.now, &former, Failure::Refused("late".to_owned()));
    rig.replica.handle_subscribed(rig.now, &nonce);
    rig.drain();
    assert!(!rig.asked.is_empty(), "the new one counts");
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

#[test]
fn a_probe_finds_the_loss_of_the_last_notification() {
    let mut rig = Rig::live();
    rig.wait();
    let (id, request) = rig.asked();
    assert_eq!(request, Request::Probe);
    rig.mark(id);
    rig.reply(id, ReadReply::Probe(probe(Some(BORN + 1), 2)));
    assert_eq!(rig.phase(), Phase::Resyncing);
    assert!(matches!(rig.replica.status().reason, Reason::Mismatch { .. }));
    rig.answer(snapshot(BORN + 1, &[("a", "1"), ("b", "2")]));
    rig.shows(Some(BORN + 1), &[("a", "1"), ("b", "2")]);
}

#[test]
fn a_probe_counts_what_arrived_before_its_mark_only() {
    let mut rig = Rig::live();
    rig.wait();
    let (id, _) = rig.asked();
    rig.notify(&set(BORN + 1, "b", "2"));
    rig.mark(id);
    rig.notify(&set(BORN + 2, "c", "3"));
    rig.reply(id, ReadReply::Probe(probe(Some(BORN + 1), 2)));
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 2), &[("a", "1"), ("b", "2"), ("c", "3")]);
}

#[test]
fn a_probe_finds_a_hash_that_is_gone() {
    let mut rig = Rig::live();
    rig.wait();
    rig.answer(ReadReply::Probe(probe(None, 0)));
    rig.answer(no_hash());
    rig.shows(None, &[]);
    assert_eq!(rig.told, Some(EventKind::Reset));
    assert_eq!(rig.changes().pop(), Some(change("a", Some("1"), None)));
}

#[test]
fn a_probe_is_due_when_the_hash_should_have_expired() {
    let mut rig = Rig::connected(Config::default());
    let probe = Probe { ttl: Some(Duration::from_millis(700)), ..probe(Some(BORN), 1) };
    rig.answer(ReadReply::Snapshot(Snapshot { probe, content: Some(entries(&[("a", "1")])) }));
    assert_eq!(rig.replica.poll_timeout(), Some(rig.now + Duration::from_millis(702)));
}

#[test]
fn another_replication_id_replaces_the_connections_even_at_the_same_revision() {
    let mut rig = Rig::live();
    rig.wait();
    let other = Probe { replication_id: Some("server-2".into()), ..probe(Some(BORN), 1) };
    rig.answer(ReadReply::Probe(other.clone()));
    assert_eq!(rig.replaced, Some(1));
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Disconnected, &Reason::Failover));
    rig.connect(2);
    rig.wait();
    rig.answer(ReadReply::Snapshot(Snapshot { probe: other, content: Some(entries(&[("a", "1")])) }));
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn the_status_says_when_a_failover_cannot_be_found() {
    let mut rig = Rig::live();
    assert!(rig.replica.status().failover_detection);
    rig.wait();
    rig.answer(ReadReply::Probe(Probe { replication_id: None, ..probe(Some(BORN), 1) }));
    assert!(!rig.replica.status().failover_detection);
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn no_answer_is_asked_again_once_then_both_connections_are_replaced() {
    let mut rig = Rig::live();
    rig.wait();
    let (first, _) = rig.asked();
    rig.wait();
    let (second, _) = rig.asked();
    assert!(second > first);
    rig.wait();
    assert_eq!(rig.replaced, Some(1));
    assert_eq!(rig.phase(), Phase::Disconnected);
    rig.shows(Some(BORN), &[("a", "1")]);
}

#[test]
fn a_refusal_at_the_join_is_the_reason_of_the_status() {
    let mut rig = Rig::connected(Config::default());
    let (id, _) = rig.asked();
    let failure = Failure::Refused("WRONGTYPE".to_owned());
    rig.replica.handle_reply(rig.now, id, Err(failure.clone()));
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Joining, &Reason::Failed(failure)));
    rig.drain();
    rig.asked.clear();
    rig.wait();
    assert!(!rig.asked.is_empty(), "it is asked again");
}

#[test]
fn after_a_lost_connection_the_content_is_served_and_then_replaced() {
    let mut rig = Rig::live();
    rig.replica.handle_disconnected(rig.now, "reset by peer");
    assert_eq!(rig.phase(), Phase::Disconnected);
    assert_eq!(rig.notify(&set(BORN + 1, "a", "2")), Disposition::Ignored);
    rig.shows(Some(BORN), &[("a", "1")]);
    rig.connect(2);
    assert_eq!(rig.phase(), Phase::Resyncing);
    rig.wait();
    rig.answer(snapshot(BORN + 9, &[("a", "9")]));
    rig.shows(Some(BORN + 9), &[("a", "9")]);
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn a_lag_is_a_gap() {
    let mut rig = Rig::live();
    rig.lag();
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Resyncing, &Reason::Lagged));
}

#[test]
fn resyncs_that_follow_each_other_wait_longer_and_longer() {
    let mut rig = Rig::live();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        assert_eq!(rig.notify(&set(5, "a", "x")), Disposition::Gap);
        let before = rig.now;
        if rig.asked.is_empty() {
            rig.wait();
        }
        pauses.push(rig.now - before);
        rig.answer(snapshot(BORN, &[("a", "1")]));
    }
    assert_eq!(pauses[0], Duration::ZERO);
    assert!(pauses[5] > pauses[1], "{pauses:?}");
    assert_eq!(rig.replica.status().resyncs, 6);
}

#[test]
fn resyncs_that_were_cut_short_do_not_put_off_the_next() {
    let mut rig = Rig::live();
    let resync = |rig: &mut Rig| {
        rig.lag();
        if rig.asked.is_empty() {
            rig.wait();
        }
        rig.answer(snapshot(BORN, &[("a", "1")]));
    };
    (0..9).for_each(|_| resync(&mut rig));
    for connection in 2..62 {
        rig.lag();
        rig.now += SECOND / 2;
        rig.replica.handle_disconnected(rig.now, "too slow");
        rig.drain();
        rig.now += SECOND / 4;
        rig.connect(connection);
        rig.wait();
        rig.answer(snapshot(BORN, &[("a", "1")]));
    }
    rig.lag();
    assert!(rig.replica.poll_timeout().unwrap() - rig.now <= 5 * SECOND);
}

/// A content that came as a whole and is further on has what others wrote on the way.
#[test]
fn a_history_goes_on_where_the_revision_rises() {
    let mut rig = Rig::connected(Config::default().small_map(2, 100));
    rig.answer(snapshot(BORN, &[("a", "1")]));
    rig.lag();
    rig.answer(ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN + 5), 3), content: None }));
    rig.notify(&set(BORN + 6, "a", "9"));
    let target = rig.replica.progress().target(Some(rev(BORN + 7)));
    rig.notify(&reset(BORN + 7));
    assert_eq!(rig.replica.progress().check(&target), Wait::Reached);
    // The hash is gone, unnoticed; several write at once, and their waits begin before the first notification is here.
    let [lost, first, second] =
        [BORN + 8, BORN + 1000, BORN + 1001].map(|number| rig.replica.progress().target(Some(rev(number))));
    rig.notify(&tagged(BORN + 1000, "k", "1", true, 0));
    rig.notify(&set(BORN + 1001, "l", "1"));
    let judged = [lost, first, second].map(|target| rig.replica.progress().check(&target));
    assert_eq!(judged, [Wait::HistoryBroken, Wait::Reached, Wait::Reached]);
}

#[test]
fn a_batch_that_begins_a_hash_is_held_against_its_first_revision() {
    let mut rig = Rig::live();
    rig.notify(&set(BORN + 1, "b", "2"));
    rig.notify(&set(BORN + 2, "b", "3"));
    let target = rig.replica.progress().target(Some(rev(BORN + 4)));
    rig.notify(&tagged(BORN + 1, "x", "1", true, 2));
    rig.notify(&tagged(BORN + 2, "y", "1", false, 1));
    rig.notify(&tagged(BORN + 3, "z", "1", false, 0));
    assert_eq!(rig.replica.progress().check(&target), Wait::HistoryBroken);
}

fn scanning() -> Rig {
    let mut rig = Rig::connected(Config::default().small_map(2, 100).page_fields(2));
    let (id, request) = rig.asked();
    assert_eq!(request, Request::Snapshot { max_fields: 2, max_bytes: 100 });
    rig.mark(id);
    rig.reply(id, ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN), 3), content: None }));
    rig
}

#[test]
fn a_large_map_is_read_in_pages_while_notifications_go_on() {
    let mut rig = scanning();
    assert_eq!(rig.asked[0].1, Request::Page { cursor: 0, count: 2 });
    assert_eq!(rig.notify(&set(BORN + 1, "a", "new")), Disposition::Held);
    rig.answer(page(5, &[("a", "old"), ("b", "2")], &["=rev"]));
    assert_eq!(rig.replica.status().scan.map(|scan| (scan.read, scan.total)), Some((3, 5)));
    rig.notify(&delete(BORN + 2, "b"));
    rig.answer(page(0, &[("c", "3")], &["=rev", "=kind"]));
    rig.notify(&set(BORN + 3, "d", "4"));
    let (id, request) = rig.asked();
    assert_eq!(request, Request::Probe);
    rig.mark(id);
    assert_eq!(rig.notify(&set(BORN + 4, "e", "5")), Disposition::Held);
    rig.shows(None, &[]);
    rig.reply(id, ReadReply::Probe(probe(Some(BORN + 3), 3)));
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 4), &[("a", "new"), ("c", "3"), ("d", "4"), ("e", "5")]);
}

/// A page is entered after the request for the next one has left. Whatever comes first must find it entered.
#[test]
fn what_comes_right_after_a_page_is_newer_than_it() {
    for polls in 0..4 {
        let mut rig = scanning();
        rig.notify(&set(BORN + 1, "a", "new"));
        let (id, _) = rig.asked();
        let first = page(5, &[("a", "old"), ("b", "old"), ("c", "old"), ("d", "4")], &["=rev"]);
        rig.replica.handle_reply(rig.now, id, Ok(first));
        rig.poll(polls);
        rig.notify(&set(BORN + 2, "b", "new"));
        rig.notify(&delete(BORN + 3, "c"));
        let (id, request) = rig.asked();
        assert!(matches!(request, Request::Page { cursor: 5, .. }), "{request:?}");

        let last = page(0, &[("b", "old"), ("d", "4"), ("e", "5")], &["=rev", "=kind"]);
        rig.replica.handle_reply(rig.now, id, Ok(last));
        rig.poll(1);
        let (id, request) = rig.asked();
        assert_eq!(request, Request::Probe);
        rig.poll(polls);
        rig.replica.handle_mark(rig.now, id.get().to_string().as_bytes());
        rig.reply(id, ReadReply::Probe(probe(Some(BORN + 3), 4)));
        assert_eq!(rig.phase(), Phase::Live);
        rig.shows(Some(BORN + 3), &[("a", "new"), ("b", "new"), ("d", "4"), ("e", "5")]);
    }
}

/// The server is to have work while the replica has some.
#[test]
fn the_next_page_is_asked_for_first() {
    let mut rig = scanning();
    let (id, _) = rig.asked();
    rig.replica.handle_reply(rig.now, id, Ok(page(4, &[("a", "1")], &[])));
    assert!(matches!(rig.replica.poll_output(), Some(Output::Request { .. })));
}

/// A scan whose first half is at cursor 6 and whose second begins: the requests for both.
fn halved() -> (Rig, [RequestId; 2]) {
    let mut rig = scanning();
    rig.answer(page(4, &[("a", "1")], &["=rev"]));
    let [(first, asked), (second, beside)] = [rig.asked(), rig.asked()];
    assert!(matches!(asked, Request::Page { cursor: 4, .. }), "{asked:?}");
    assert!(matches!(beside, Request::Page { cursor: 1, .. }), "{beside:?}");
    rig.reply(first, page(6, &[("b", "2")], &[]));
    let (first, asked) = rig.asked();
    assert!(matches!(asked, Request::Page { cursor: 6, .. }), "{asked:?}");
    (rig, [first, second])
}

#[test]
fn the_halves_of_a_large_map_are_read_beside_each_other() {
    for later in [0, 1] {
        let (mut rig, asked) = halved();
        rig.notify(&set(BORN + 1, "c", "new"));
        rig.notify(&set(BORN + 2, "d", "new"));
        // The first half ends where the second begins, the second with the hash.
        let cursors = [5, 0];
        let pages = [&[("b", "2"), ("c", "old")], &[("d", "old"), ("e", "5")]];
        for half in [1 - later, later] {
            assert!(rig.asked.is_empty());
            rig.reply(asked[half], page(cursors[half], pages[half], &["=kind"]));
        }
        let (id, request) = rig.asked();
        assert_eq!(request, Request::Probe);
        // An answer that comes again is none.
        rig.reply(asked[0], page(4, &[("f", "6")], &[]));
        assert!(rig.asked.is_empty());
        rig.mark(id);
        rig.reply(id, ReadReply::Probe(probe(Some(BORN + 2), 5)));
        let shown = [("a", "1"), ("b", "2"), ("c", "new"), ("d", "new"), ("e", "5")];
        rig.shows(Some(BORN + 2), &shown);
    }
}

/// Both pages wait to be entered when the notification comes.
#[test]
fn what_comes_right_after_both_pages_is_newer_than_they_are() {
    let (mut rig, [first, second]) = halved();
    rig.replica.handle_reply(rig.now, first, Ok(page(5, &[("c", "old"), ("d", "4")], &[])));
    rig.replica.handle_reply(rig.now, second, Ok(page(0, &[("d", "4"), ("e", "old")], &["=kind"])));
    rig.notify(&delete(BORN + 1, "c"));
    rig.notify(&set(BORN + 2, "e", "new"));
    rig.answer(ReadReply::Probe(probe(Some(BORN + 2), 4)));
    rig.shows(Some(BORN + 2), &[("a", "1"), ("b", "2"), ("d", "4"), ("e", "new")]);
}

/// No server promises where the second half begins.
#[test]
fn halves_that_do_not_add_up_are_not_read_again() {
    let (mut rig, [first, second]) = halved();
    rig.reply(first, page(3, &[], &[]));
    rig.reply(second, page(0, &[("c", "3")], &["=kind"]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 4)));
    assert!(matches!(rig.replica.status().reason, Reason::Mismatch { .. }));
    rig.shows(None, &[]);
    rig.answer(ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN), 4), content: None }));
    rig.answer(page(4, &[("a", "1"), ("b", "2")], &["=rev"]));
    assert_eq!(rig.asked.len(), 1);
    rig.answer(page(3, &[("c", "3")], &["=kind"]));
    assert!(matches!(rig.asked[0].1, Request::Page { cursor: 3, .. }));
    rig.answer(page(0, &[("d", "4")], &[]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 4)));
    rig.shows(Some(BORN), &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
}

#[test]
fn a_server_that_refuses_the_second_half_is_read_in_one_go() {
    let mut rig = scanning();
    rig.answer(page(4, &[("a", "1")], &["=rev"]));
    let [_, (second, _)] = [rig.asked(), rig.asked()];
    let failure = Failure::Unavailable("ERR invalid cursor".to_owned());
    rig.replica.handle_reply(rig.now, second, Err(failure));
    rig.drain();
    rig.answer(ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN), 3), content: None }));
    rig.answer(page(4, &[("a", "1")], &["=rev"]));
    assert_eq!(rig.asked.len(), 1);
    rig.answer(page(0, &[("b", "2")], &["=kind"]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 2)));
    rig.shows(Some(BORN), &[("a", "1"), ("b", "2")]);
}

#[test]
fn a_scan_that_does_not_add_up_is_not_shown() {
    let mut rig = scanning();
    rig.answer(page(0, &[("a", "1"), ("b", "2")], &["=rev", "=kind"]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
    assert_eq!(rig.phase(), Phase::Joining);
    rig.shows(None, &[]);
}

#[test]
fn a_gap_during_a_scan_begins_anew() {
    let mut rig = scanning();
    assert_eq!(rig.notify(&set(BORN + 2, "a", "2")), Disposition::Gap);
    assert!(matches!(rig.asked().1, Request::Snapshot { .. }));
}

#[test]
fn a_whole_snapshot_ends_a_scan() {
    let mut rig = scanning();
    assert_eq!(rig.notify(&reset(BORN + 1)), Disposition::Applied);
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 1), &[]);
    assert_eq!(rig.notify(&set(BORN + 2, "a", "1")), Disposition::Applied);
}

/// Nothing is known of the content before the last notification of the batch.
#[test]
fn a_batch_that_begins_a_hash_ends_a_scan_with_its_last_notification() {
    let mut rig = scanning();
    assert_eq!(rig.notify(&tagged(BORN + 100, "x", "1", true, 1)), Disposition::Held);
    assert_eq!(rig.phase(), Phase::Joining);
    rig.shows(None, &[]);
    assert_eq!(rig.notify(&tagged(BORN + 101, "y", "2", false, 0)), Disposition::Applied);
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(Some(BORN + 101), &[("x", "1"), ("y", "2")]);
}

#[test]
fn pages_grow_while_they_are_small_and_shrink_when_values_are_large() {
    let mut rig = Rig::connected(Config::default().small_map(2, 100).page_fields(100));
    rig.answer(ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN), 3), content: None }));
    let large = "x".repeat(1 << 20);
    let mut counts = Vec::new();
    for (cursor, value) in [(1, "small"), (2, "small"), (3, &large), (4, &large), (5, "small")] {
        let Some((id, Request::Page { count, .. })) = rig.asked.pop_front() else { panic!("no page") };
        counts.push(count);
        rig.reply(id, page(cursor, &[("a", value), ("b", value)], &[]));
    }
    assert_eq!(counts, [8, 32, 100, 49, 24]);
}

#[test]
fn pages_of_both_halves_grow_by_what_was_asked_for() {
    let mut rig = Rig::connected(Config::default().small_map(2, 100).page_fields(1000));
    rig.answer(ReadReply::Snapshot(Snapshot { probe: probe(Some(BORN), 3), content: None }));
    rig.answer(page(4, &[("a", "1")], &[]));
    rig.answer(page(6, &[("b", "2")], &[]));
    rig.answer(page(3, &[("c", "3")], &[]));
    let counts = rig.asked.iter().map(|(_, request)| match request {
        Request::Page { count, .. } => *count,
        Request::Snapshot { .. } | Request::Probe => 0,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [128, 128]);
}

#[test]
fn a_large_map_is_spared_the_snapshot_after_a_reconnect_when_nothing_changed() {
    let mut rig = scanning();
    rig.answer(page(0, &[("a", "1"), ("b", "2"), ("c", "3")], &["=rev", "=kind"]));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
    assert_eq!(rig.phase(), Phase::Live);
    rig.replica.handle_disconnected(rig.now, "cut");
    rig.connect(2);
    rig.wait();
    assert_eq!(rig.asked[0].1, Request::Probe);
    rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
    assert_eq!(rig.phase(), Phase::Live);

    rig.replica.handle_disconnected(rig.now, "cut");
    rig.connect(3);
    rig.wait();
    rig.answer(ReadReply::Probe(probe(Some(BORN + 1), 3)));
    assert!(matches!(rig.asked().1, Request::Snapshot { .. }));
}

/// Small maps cost as little as a probe, and a small revision may come again in another life.
#[test]
fn other_maps_are_not_spared_the_snapshot() {
    let pairs = [("a", "1"), ("b", "2"), ("c", "3")];
    for (config, revision) in
        [(Config::default().small_map(2, 100), 7), (Config::default(), 7), (Config::default(), BORN)]
    {
        let mut rig = Rig::connected(config);
        rig.answer(snapshot(revision, &pairs));
        rig.replica.handle_disconnected(rig.now, "cut");
        rig.connect(2);
        rig.wait();
        assert!(matches!(rig.asked[0].1, Request::Snapshot { .. }), "{revision}");
    }
}

#[test]
fn a_resync_at_the_same_revision_leaves_those_who_wait_alone() {
    let mut rig = Rig::live();
    rig.lag();
    // It begins after the request, which therefore says nothing about it.
    let target = rig.replica.progress().target(Some(rev(BORN + 1)));
    rig.answer(snapshot(BORN, &[("a", "1")]));
    assert_eq!(rig.replica.progress().check(&target), Wait::Pending);
    rig.notify(&set(BORN + 1, "a", "2"));
    assert_eq!(rig.replica.progress().check(&target), Wait::Reached);
    // What is there stays reached at the end, and nothing else can be any more.
    let later = rig.replica.progress().target(Some(rev(BORN + 2)));
    rig.replica.close(rig.now);
    assert!(rig.replica.progress().is_closed());
    let ends = [target, later].map(|target| rig.replica.progress().check(&target));
    assert_eq!(ends, [Wait::Reached, Wait::Closed]);
}

#[test]
fn too_many_held_notifications_give_the_snapshot_up() {
    let mut rig = Rig::connected(Config::default().held(2, 1 << 20));
    let (id, _) = rig.asked();
    rig.mark(id);
    rig.notify(&set(1, "a", "1"));
    rig.notify(&set(2, "a", "2"));
    assert_eq!(rig.notify(&set(3, "a", "3")), Disposition::Gap);
    assert_eq!(rig.replica.status().last_resync, Some(Reason::TooMuchHeld));
}

#[test]
fn waits_end_at_the_revision_or_when_the_history_breaks() {
    let mut rig = Rig::live();
    let reader = rig.replica.reader();
    let progress = reader.progress();
    let next = progress.target(Some(rev(BORN + 1)));
    let later = progress.target(Some(rev(BORN + 2)));
    assert_eq!(progress.check(&progress.target(None)), Wait::Reached);
    assert_eq!(progress.check(&next), Wait::Pending);
    rig.notify(&set(BORN + 1, "b", "2"));
    assert_eq!(reader.progress().check(&next), Wait::Reached);
    assert_eq!(reader.progress().check(&later), Wait::Pending);
    rig.notify(&tagged(BORN + 900, "a", "1", true, 0));
    assert_eq!(reader.progress().check(&later), Wait::HistoryBroken);
    let below = reader.progress().target(Some(rev(BORN + 2)));
    rig.wait();
    rig.answer(ReadReply::Probe(probe(Some(BORN + 900), 1)));
    assert_eq!(reader.progress().check(&below), Wait::HistoryBroken);
}

#[test]
fn a_wait_ends_when_the_server_went_back_even_if_the_revision_comes_again() {
    let mut rig = Rig::live();
    let waits = rig.replica.reader().progress().target(Some(rev(BORN + 2)));
    rig.lag();
    let (id, _) = rig.asked();
    rig.mark(id);
    for number in BORN..=BORN + 2 {
        rig.notify(&set(number, "b", "another history"));
    }
    rig.reply(id, snapshot(BORN - 1, &[("a", "1")]));
    assert_eq!(rig.replica.reader().revision(), Some(rev(BORN + 2)));
    assert_eq!(rig.replica.reader().progress().check(&waits), Wait::HistoryBroken);
}

#[test]
fn a_wait_for_the_write_that_created_the_hash_anew_is_reached() {
    let mut rig = Rig::live();
    let reader = rig.replica.reader();
    let own = reader.progress().target(Some(rev(BORN + 900)));
    rig.notify(&tagged(BORN + 900, "a", "1", true, 0));
    rig.notify(&set(BORN + 901, "b", "2"));
    assert_eq!(reader.progress().check(&own), Wait::Reached);
}

#[test]
fn a_wait_for_a_write_that_the_server_lost_ends_with_a_proof_asked_for_later() {
    let mut rig = Rig::live();
    let reader = rig.replica.reader();
    rig.wait();
    let lost = reader.progress().target(Some(rev(BORN + 1)));
    rig.answer(ReadReply::Probe(probe(Some(BORN), 1)));
    assert_eq!(
        reader.progress().check(&lost),
        Wait::Pending,
        "this probe was asked for before the wait began"
    );
    rig.wait();
    rig.answer(ReadReply::Probe(probe(Some(BORN), 1)));
    assert_eq!(reader.progress().check(&lost), Wait::HistoryBroken);
}

#[test]
fn a_sync_ends_with_a_probe_that_was_asked_for_after_it() {
    let mut rig = Rig::live();
    rig.wait();
    let (early, _) = rig.asked();
    let reader = rig.replica.reader();
    let target = reader.progress().fresh_target();
    rig.replica.handle_sync(rig.now);
    rig.drain();
    rig.mark(early);
    rig.reply(early, ReadReply::Probe(probe(Some(BORN), 1)));
    assert_eq!(reader.progress().check(&target), Wait::Pending);
    rig.answer(ReadReply::Probe(probe(Some(BORN), 1)));
    assert_eq!(reader.progress().check(&target), Wait::Reached);
}

#[test]
fn a_closed_replica_keeps_its_content_and_ends_every_wait() {
    let mut rig = Rig::live();
    let reader = rig.replica.reader();
    let waits = reader.progress().target(Some(rev(BORN + 1)));
    rig.replica.close(rig.now);
    rig.drain();
    assert_eq!(rig.phase(), Phase::Closed);
    assert_eq!(rig.notify(&set(BORN + 1, "a", "2")), Disposition::Ignored);
    assert_eq!(reader.progress().check(&waits), Wait::Closed);
    assert_eq!(rig.replica.poll_timeout(), None);
    rig.shows(Some(BORN), &[("a", "1")]);
}
