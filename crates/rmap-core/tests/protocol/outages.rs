//! Silent and visible loss: probes, missing answers, resyncs.

use std::time::Duration;

use rmap_core::{Disposition, EventKind, Failure, Phase, Reason, ReplicaSettings, Request, Wait};
use rmap_proto::{ReadReply, Snapshot};

use crate::rig::{
    BORN, Rig, SECOND, change, elsewhere, entries, no_hash, probe, reset, rev, set, snapshot, tagged,
};

#[test]
fn a_subscription_that_failed_is_asked_for_again() {
    let mut rig = Rig::new(ReplicaSettings::default());
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
    // A late failure concerns an outdated subscription.
    rig.replica.handle_subscribe_failed(rig.now, &former, Failure::Refused("late".to_owned()));
    rig.replica.handle_subscribed(rig.now, &nonce);
    rig.drain();
    assert!(!rig.asked.is_empty(), "the new one counts");
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
    assert_eq!(rig.event, Some(EventKind::Reset));
    assert_eq!(rig.changes().pop(), Some(change("a", Some("1"), None)));
}

#[test]
fn a_probe_is_due_when_the_hash_should_have_expired() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    let probe = probe(Some(BORN), 1).ttl(Some(Duration::from_millis(700)));
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe, Some(entries(&[("a", "1")])))));
    assert_eq!(rig.replica.poll_timeout(), Some(rig.now + Duration::from_millis(702)));
}

#[test]
fn another_replication_id_replaces_the_connections_even_at_the_same_revision() {
    let mut rig = Rig::live();
    rig.wait();
    let other = elsewhere(probe(Some(BORN), 1));
    rig.answer(ReadReply::Probe(other.clone()));
    assert_eq!(rig.replaced, Some(1));
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Disconnected, &Reason::Failover));
    rig.connect(2);
    rig.wait();
    rig.answer(ReadReply::Snapshot(Snapshot::new(other, Some(entries(&[("a", "1")])))));
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn the_status_says_when_a_failover_cannot_be_found() {
    let mut rig = Rig::live();
    assert!(rig.replica.status().failover_detection);
    rig.wait();
    rig.answer(ReadReply::Probe(probe(Some(BORN), 1).replication(None)));
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
    let mut rig = Rig::connected(ReplicaSettings::default());
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

/// A snapshot with a higher revision contains the writes of others in between.
#[test]
fn a_history_goes_on_where_the_revision_rises() {
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(2, 100));
    rig.answer(snapshot(BORN, &[("a", "1")]));
    rig.lag();
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN + 5), 3), None)));
    rig.notify(&set(BORN + 6, "a", "9"));
    let target = rig.replica.progress().target(Some(rev(BORN + 7)));
    rig.notify(&reset(BORN + 7));
    assert_eq!(rig.replica.progress().check(&target), Wait::Reached);
    // The hash disappeared unnoticed. Several processes write at once, and their waits begin before the first
    // notification.
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

#[test]
fn too_many_held_notifications_give_the_snapshot_up() {
    let mut rig = Rig::connected(ReplicaSettings::default().held(2, 1 << 20));
    let (id, _) = rig.asked();
    rig.mark(id);
    rig.notify(&set(1, "a", "1"));
    rig.notify(&set(2, "a", "2"));
    assert_eq!(rig.notify(&set(3, "a", "3")), Disposition::Gap);
    assert_eq!(rig.replica.status().last_resync, Some(Reason::TooMuchHeld));
}
