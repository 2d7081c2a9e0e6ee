//! A hash that the server has lost: the content follows, or it is kept until a write makes a hash.

use std::time::Duration;

use rmap_core::{EventKind, Failure, Phase, Reason, ReplicaSettings, Request, Wait, WhenLost};
use rmap_proto::ReadReply;

use super::rig::{BORN, Rig, change, no_hash, probe, reset, rev, set, snapshot, tagged};

fn keeping() -> ReplicaSettings {
    ReplicaSettings::default().when_lost(WhenLost::Keep)
}

/// A replica at `BORN` with a=1 and b=2, whose server loses the hash. The next probe finds out.
fn kept() -> Rig {
    let mut rig = Rig::connected(keeping());
    rig.answer(snapshot(BORN, &[("a", "1"), ("b", "2")]));
    rig.changes();
    rig.event = None;
    rig.wait();
    rig.answer(ReadReply::Probe(probe(None, 0)));
    assert_eq!(rig.phase(), Phase::Resyncing);
    rig.answer(no_hash());
    rig
}

fn serves(rig: &mut Rig) {
    rig.shows(Some(BORN), &[("a", "1"), ("b", "2")]);
    assert_eq!((rig.event, rig.changes()), (None, Vec::new()));
}

#[test]
fn a_lost_content_goes_on_being_served_without_a_word() {
    let mut rig = kept();
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Kept, &Reason::Lost));
    assert_eq!(rig.replica.status().fresh_at, None);
    serves(&mut rig);
    // Probes go on, prove nothing, and cost no snapshot.
    for _ in 0..3 {
        rig.wait();
        assert_eq!(rig.asked[0].1, Request::Probe);
        rig.answer(ReadReply::Probe(probe(None, 0)));
        assert_eq!((rig.phase(), rig.replica.status().fresh_at, rig.asked.len()), (Phase::Kept, None, 0));
    }
    serves(&mut rig);
}

#[test]
fn it_follows_unless_it_is_told_to_keep() {
    let mut rig = Rig::live();
    rig.wait();
    rig.answer(ReadReply::Probe(probe(None, 0)));
    rig.answer(no_hash());
    rig.shows(None, &[]);
    assert_eq!((rig.phase(), rig.event), (Phase::Live, Some(EventKind::Reset)));
}

#[test]
fn the_first_write_that_makes_a_hash_ends_it_and_all_other_keys_go() {
    /// A notification, the revision after it, and what is shown then.
    type End = (Vec<u8>, u64, &'static [(&'static str, &'static str)]);
    let ends: [End; 3] = [
        (tagged(BORN + 500, "b", "3", true, 0), BORN + 500, &[("b", "3")]),
        (set(1, "b", "3"), 1, &[("b", "3")]),
        (reset(BORN + 500), BORN + 500, &[]),
    ];
    for (payload, revision, shown) in ends {
        let mut rig = kept();
        rig.notify(&payload);
        rig.shows(Some(revision), shown);
        assert_eq!((rig.phase(), rig.event), (Phase::Live, Some(EventKind::Reset)));
        let b = shown.first().map(|(_, value)| *value);
        let mut changes = rig.changes();
        changes.sort();
        assert_eq!(changes, [change("a", Some("1"), None), change("b", Some("2"), b)]);
        // There is a proof soon, and the next loss is another one.
        assert_eq!(rig.asked().1, Request::Probe);
    }
}

/// It continues no hash: the revision of before is gone with the hash.
#[test]
fn a_notification_that_would_continue_the_lost_hash_is_not_applied() {
    let mut rig = kept();
    rig.notify(&set(BORN + 1, "c", "3"));
    assert_eq!(rig.phase(), Phase::Resyncing);
    serves(&mut rig);
    if rig.asked.is_empty() {
        rig.wait();
    }
    rig.answer(snapshot(BORN + 1, &[("c", "3")]));
    rig.shows(Some(BORN + 1), &[("c", "3")]);
    assert_eq!(rig.phase(), Phase::Live);
}

#[test]
fn a_hash_that_a_probe_finds_again_is_read() {
    for revision in [BORN, BORN + 7] {
        let mut rig = kept();
        rig.wait();
        rig.answer(ReadReply::Probe(probe(Some(revision), 2)));
        if rig.asked.is_empty() {
            rig.wait();
        }
        assert!(matches!(rig.asked[0].1, Request::Snapshot { .. }));
        rig.answer(snapshot(revision, &[("a", "1"), ("c", "3")]));
        rig.shows(Some(revision), &[("a", "1"), ("c", "3")]);
        assert!(rig.phase() == Phase::Live && rig.replica.status().fresh_at.is_some());
    }
}

#[test]
fn the_program_can_follow_the_loss() {
    let mut rig = kept();
    rig.replica.handle_follow(rig.now);
    rig.drain();
    rig.answer(no_hash());
    rig.shows(None, &[]);
    assert_eq!((rig.phase(), rig.event.take()), (Phase::Live, Some(EventKind::Reset)));
    // This loss alone.
    rig.notify(&tagged(BORN + 9, "a", "1", true, 0));
    rig.replica.handle_follow(rig.now);
    rig.replica.handle_lagged(rig.now);
    rig.drain();
    if rig.asked.is_empty() {
        rig.wait();
    }
    rig.answer(no_hash());
    assert_eq!(rig.phase(), Phase::Kept);
    rig.shows(Some(BORN + 9), &[("a", "1")]);
}

#[test]
fn what_is_kept_survives_a_reconnect_and_is_not_spared_the_snapshot() {
    let mut rig = Rig::connected(keeping().small_map(1, 1 << 20));
    rig.answer(snapshot(BORN, &[("a", "1"), ("b", "2")]));
    rig.replica.handle_disconnected(rig.now, "cut");
    for connection in 2..4 {
        rig.connect(connection);
        rig.wait();
        if rig.asked[0].1 == Request::Probe {
            assert_eq!(connection, 2, "a kept content cannot be spared the snapshot");
            rig.answer(ReadReply::Probe(probe(None, 0)));
        }
        rig.answer(no_hash());
        assert_eq!(rig.phase(), Phase::Kept);
        rig.shows(Some(BORN), &[("a", "1"), ("b", "2")]);
        rig.replica.handle_disconnected(rig.now, "cut");
        assert_eq!(rig.phase(), Phase::Disconnected);
    }
}

#[test]
fn waits_break_and_no_proof_comes() {
    let mut rig = kept();
    let progress = rig.replica.progress();
    let (fresh, passed, ahead) =
        (progress.fresh_target(), progress.target(Some(rev(BORN))), progress.target(Some(rev(BORN + 5))));
    for target in [&fresh, &passed] {
        rig.replica.handle_wait(rig.now, target);
    }
    rig.drain();
    assert_eq!(rig.replica.progress().check(&fresh), Wait::Pending);
    rig.answer(ReadReply::Probe(probe(None, 0)));
    for target in [fresh, passed, ahead] {
        assert_eq!(rig.replica.progress().check(&target), Wait::HistoryBroken, "{target:?}");
    }
    // A write of this process is still waited for.
    let own = rig.replica.progress().own_target(rev(BORN + 9), &rig.replica.progress());
    assert_eq!(rig.replica.progress().check(&own), Wait::Pending);
    rig.notify(&tagged(BORN + 9, "a", "2", true, 0));
    assert_eq!(rig.replica.progress().check(&own), Wait::Reached);
}

#[test]
fn a_verification_of_a_kept_content_is_refused() {
    let mut rig = kept();
    rig.replica.handle_verify(rig.now);
    rig.replica.handle_timeout(rig.now + Duration::from_millis(1));
    assert!(matches!(rig.replica.poll_verified(), Some(Err(Failure::Refused(_)))));
}

#[test]
fn an_empty_content_is_not_kept() {
    let mut rig = Rig::connected(keeping());
    rig.answer(snapshot(BORN, &[("a", "1")]));
    rig.notify(&reset(BORN + 1));
    rig.wait();
    rig.answer(ReadReply::Probe(probe(None, 0)));
    rig.answer(no_hash());
    assert_eq!(rig.phase(), Phase::Live);
    rig.shows(None, &[]);
}
