//! Large maps, read in pages.

use rmap_core::{Disposition, Failure, Output, Phase, Reason, ReplicaSettings, Request, RequestId, Wait};
use rmap_proto::{ReadReply, Snapshot};

use crate::rig::{BORN, Rig, delete, page, probe, reset, rev, set, snapshot, tagged};

fn scanning() -> Rig {
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(2, 100).page_fields(2));
    let (id, request) = rig.asked();
    assert_eq!(request, Request::Snapshot { max_fields: 2, max_bytes: 100 });
    rig.mark(id);
    rig.reply(id, ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 3), None)));
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

/// A page is entered after the next request was issued. The next input must find the page entered.
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

/// The server should work while the replica works.
#[test]
fn the_next_page_is_asked_for_first() {
    let mut rig = scanning();
    let (id, _) = rig.asked();
    rig.replica.handle_reply(rig.now, id, Ok(page(4, &[("a", "1")], &[])));
    assert!(matches!(rig.replica.poll_output(), Some(Output::Request { .. })));
}

/// A scan whose first half is at cursor 6 and whose second half begins. Returns both requests.
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
        // The first half ends where the second begins, and the second ends with the hash.
        let cursors = [5, 0];
        let pages = [&[("b", "2"), ("c", "old")], &[("d", "old"), ("e", "5")]];
        for half in [1 - later, later] {
            assert!(rig.asked.is_empty());
            rig.reply(asked[half], page(cursors[half], pages[half], &["=kind"]));
        }
        let (id, request) = rig.asked();
        assert_eq!(request, Request::Probe);
        // A repeated answer is ignored.
        rig.reply(asked[0], page(4, &[("f", "6")], &[]));
        assert!(rig.asked.is_empty());
        rig.mark(id);
        rig.reply(id, ReadReply::Probe(probe(Some(BORN + 2), 5)));
        let shown = [("a", "1"), ("b", "2"), ("c", "new"), ("d", "new"), ("e", "5")];
        rig.shows(Some(BORN + 2), &shown);
    }
}

/// Both pages are waiting to be entered when the notification arrives.
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
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 4), None)));
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
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 3), None)));
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
fn a_gap_during_a_scan_begins_again() {
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

/// The content is unknown before the last notification of the batch.
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
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(2, 100).page_fields(100));
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 3), None)));
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
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(2, 100).page_fields(1000));
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 3), None)));
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

/// Small maps cost as little as a probe, and a small revision may recur in another life.
#[test]
fn other_maps_are_not_spared_the_snapshot() {
    let pairs = [("a", "1"), ("b", "2"), ("c", "3")];
    for (settings, revision) in [
        (ReplicaSettings::default().small_map(2, 100), 7),
        (ReplicaSettings::default(), 7),
        (ReplicaSettings::default(), BORN),
    ] {
        let mut rig = Rig::connected(settings);
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
    // The wait begins after the request, so the request proves nothing about it.
    let target = rig.replica.progress().target(Some(rev(BORN + 1)));
    rig.answer(snapshot(BORN, &[("a", "1")]));
    assert_eq!(rig.replica.progress().check(&target), Wait::Pending);
    rig.notify(&set(BORN + 1, "a", "2"));
    assert_eq!(rig.replica.progress().check(&target), Wait::Reached);
    // Content that is there stays reached after the end. Nothing else can be reached any more.
    let later = rig.replica.progress().target(Some(rev(BORN + 2)));
    rig.replica.close(rig.now);
    assert!(rig.replica.progress().is_closed());
    let ends = [target, later].map(|target| rig.replica.progress().check(&target));
    assert_eq!(ends, [Wait::Reached, Wait::Closed]);
}
