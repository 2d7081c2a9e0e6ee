//! A stored content: shown before there is a server, then proven by a probe or replaced by a snapshot.

use std::time::Duration;

use rmap_core::{
    EventKind, Phase, Proof, ReplicaSettings, Request, Restored, StoredContent, Unproven, Wait, WhenLost,
};
use rmap_proto::{Probe, ReadReply, Replication, Snapshot};

use crate::rig::{
    BORN, CLOCK, OFFSET, Rig, SECOND, SERVER, change, elsewhere, entries, no_hash, page, probe, reset, rev,
    set, snapshot,
};

const STORED: [(&str, &str); 3] = [("a", "1"), ("b", "2"), ("c", "3")];

/// The proof of the stored content, by the server of the other tests.
fn proof() -> Proof {
    Proof::new(rev(BORN), SERVER.into(), OFFSET, CLOCK)
}

fn stored() -> StoredContent {
    StoredContent::new(Some(rev(BORN)), 5).proof(Some(proof())).fresh_at(Some(Duration::from_millis(500)))
}

/// A map with three keys is large.
fn large() -> ReplicaSettings {
    ReplicaSettings::default().small_map(2, 1 << 20)
}

fn restored(settings: ReplicaSettings, content: StoredContent) -> Rig {
    let mut rig = Rig::new(settings);
    let mut staging = rig.replica.staging();
    staging.reserve(STORED.len() as u64);
    STORED.iter().for_each(|(key, value)| staging.set(key.as_bytes(), value.as_bytes()));
    rig.replica.restore(content, staging);
    rig.drain();
    rig.work();
    assert_eq!((rig.event.take(), rig.changes().len()), (Some(EventKind::Changed), STORED.len()));
    rig
}

fn outcome(rig: &Rig) -> &Restored {
    &rig.replica.status().restored
}

#[test]
fn it_is_shown_with_its_own_age_and_without_a_proof() {
    let mut rig = restored(large(), stored());
    rig.shows(Some(BORN), &STORED);
    let status = rig.replica.status();
    assert_eq!((status.phase, &status.restored, status.in_doubt), (Phase::Joining, &Restored::Shown, false));
    assert_eq!(status.fresh_at, Some(Duration::from_millis(500)));
    assert_eq!((rig.event, rig.changes()), (None, vec![]));

    // No wait ends by it, not even for its own revision.
    let progress = rig.replica.progress();
    for target in
        [progress.target(Some(rev(BORN))), progress.target(Some(rev(BORN - 1))), progress.fresh_target()]
    {
        assert!(target.needs_proof());
        assert_eq!(rig.replica.progress().check(&target), Wait::Pending);
    }
    rig.replica.handle_disconnected(SECOND, "the server is away");
    rig.shows(Some(BORN), &STORED);
    assert_eq!(rig.replica.status().fresh_at, Some(Duration::from_millis(500)));
}

#[test]
fn a_probe_proves_a_large_one_and_a_verification_follows() {
    let mut rig = restored(large(), stored());
    rig.connect(1);
    let target = rig.replica.progress().target(Some(rev(BORN)));
    assert_eq!(rig.asked[0].1, Request::Probe);
    rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
    // The wait began before the request was answered, but after it was sent.
    assert_eq!(rig.replica.progress().check(&target), Wait::Pending);
    assert_eq!((rig.phase(), outcome(&rig)), (Phase::Live, &Restored::Taken));
    assert!(rig.replica.status().in_doubt, "it is read once more in the background");
    assert_eq!(rig.replica.status().fresh_at, Some(SECOND));
    assert_eq!(rig.replica.proof().map(|proof| proof.revision), Some(rev(BORN)));
    assert_eq!((rig.event, rig.changes()), (None, vec![]));
    rig.notify(&set(BORN + 1, "a", "2"));
    assert_eq!(rig.changes(), [change("a", Some("1"), Some("2"))]);
}

#[test]
fn a_snapshot_replaces_a_small_one_and_the_difference_is_emitted() {
    let mut rig = restored(ReplicaSettings::default(), stored());
    rig.connect(1);
    assert!(matches!(rig.asked[0].1, Request::Snapshot { .. }));
    rig.answer(snapshot(BORN + 7, &[("a", "1"), ("b", "3"), ("d", "4")]));
    assert_eq!((rig.phase(), outcome(&rig)), (Phase::Live, &Restored::Replaced(Unproven::Small)));
    let mut changes = rig.changes();
    changes.sort();
    let expected =
        [change("b", Some("2"), Some("3")), change("c", Some("3"), None), change("d", None, Some("4"))];
    assert_eq!(changes, expected);
    assert_eq!(rig.event, Some(EventKind::Deleted));
}

/// Everything that speaks against the stored content leads to a snapshot, and the status says why.
#[test]
fn whatever_a_probe_does_not_prove_is_read_again() {
    let server = |id: &'static str, offset| Some(Replication::new(id.into(), offset));
    let same = || probe(Some(BORN), 3);
    let former = |end| Some(Replication::new("server-2".into(), OFFSET + 9).former(SERVER.into(), end));
    let after = |revision: u64, proof| StoredContent::new(Some(rev(revision)), 5).proof(Some(proof));
    let revision =
        |local, server: Option<u64>| Unproven::Revision { local: rev(local), server: server.map(rev) };
    let cases: Vec<(StoredContent, Probe, Result<(), Unproven>)> = vec![
        (stored(), same(), Ok(())),
        (stored(), same().replication(server(SERVER, OFFSET + 5)), Ok(())),
        (stored(), same().replication(former(OFFSET + 1)), Ok(())),
        (after(BORN + 1, proof()), probe(Some(BORN + 1), 3), Ok(())),
        (stored(), probe(Some(BORN + 1), 3), Err(revision(BORN, Some(BORN + 1)))),
        (stored(), probe(Some(BORN - 1), 3), Err(revision(BORN, Some(BORN - 1)))),
        (stored(), probe(None, 0), Err(revision(BORN, None))),
        (stored(), probe(Some(BORN), 4), Err(Unproven::Fields { local: 5, server: 6 })),
        (stored(), elsewhere(same()), Err(Unproven::AnotherServer)),
        (stored(), same().replication(server(SERVER, OFFSET - 1)), Err(Unproven::Older)),
        (stored(), same().replication(former(OFFSET)), Err(Unproven::Older)),
        (
            after(BORN + 1, proof()),
            probe(Some(BORN + 1), 3).replication(former(OFFSET + 1)),
            Err(Unproven::Older),
        ),
        (stored(), same().clock(Some(CLOCK - 1)), Err(Unproven::ClockWentBack)),
        (stored(), same().clock(None), Err(Unproven::NoRights)),
        (stored(), same().replication(None), Err(Unproven::NoRights)),
        (after(CLOCK, proof()), probe(Some(CLOCK), 3), Err(Unproven::MayRecur)),
    ];
    for (content, reply, expected) in cases {
        let mut rig = restored(large(), content.clone());
        rig.connect(1);
        assert_eq!(rig.asked[0].1, Request::Probe);
        rig.answer(ReadReply::Probe(reply.clone()));
        match expected {
            Ok(()) => assert_eq!(rig.phase(), Phase::Live, "{content:?} {reply:?}"),
            Err(why) => {
                assert!(matches!(rig.asked[0].1, Request::Snapshot { .. }), "{content:?} {reply:?}");
                assert_eq!((rig.phase(), outcome(&rig)), (Phase::Joining, &Restored::Shown));
                rig.shows(content.revision.map(rmap_proto::Revision::get), &STORED);
                // On the next connection nothing speaks for it more than before.
                rig.replica.handle_disconnected(rig.now, "cut");
                rig.connect(2);
                rig.wait();
                rig.answer(snapshot(BORN + 9, &[("a", "1")]));
                assert_eq!((rig.phase(), outcome(&rig)), (Phase::Live, &Restored::Replaced(why)));
            }
        }
    }
}

#[test]
fn without_a_proof_or_with_a_revision_that_recurs_no_probe_is_tried() {
    let recurs = StoredContent::new(Some(rev(7)), 5).proof(Some(proof()));
    for (content, why) in
        [(StoredContent::new(Some(rev(BORN)), 5), Unproven::NoProof), (recurs, Unproven::MayRecur)]
    {
        let mut rig = restored(large(), content);
        rig.connect(1);
        assert!(matches!(rig.asked[0].1, Request::Snapshot { .. }));
        rig.answer(snapshot(BORN + 9, &[("a", "1")]));
        assert_eq!(outcome(&rig), &Restored::Replaced(why));
    }
}

#[test]
fn a_connection_that_breaks_first_leaves_another_probe() {
    let mut rig = restored(large(), stored());
    for connection in 1..4 {
        rig.connect(connection);
        if connection > 1 {
            rig.wait();
        }
        assert_eq!(rig.asked[0].1, Request::Probe);
        rig.replica.handle_disconnected(rig.now, "cut");
        assert_eq!((rig.phase(), outcome(&rig)), (Phase::Disconnected, &Restored::Shown));
    }
    rig.connect(4);
    rig.wait();
    rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
    assert_eq!(outcome(&rig), &Restored::Taken);
}

#[test]
fn a_reset_during_the_scan_overtakes_it() {
    let mut rig = restored(large(), StoredContent::new(Some(rev(BORN)), 5));
    rig.connect(1);
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN + 3), 3), None)));
    rig.notify(&reset(BORN + 4));
    assert_eq!((rig.phase(), outcome(&rig)), (Phase::Live, &Restored::Replaced(Unproven::Overtaken)));
    rig.shows(Some(BORN + 4), &[]);
}

#[test]
fn a_scan_that_replaces_it_shows_it_until_its_end() {
    let mut rig = restored(large(), StoredContent::new(Some(rev(BORN)), 5));
    rig.connect(1);
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN + 3), 3), None)));
    rig.shows(Some(BORN), &STORED);
    rig.answer(page(0, &[("a", "1"), ("b", "2"), ("d", "3")], &["=rev", "=kind"]));
    rig.shows(Some(BORN), &STORED);
    rig.answer(ReadReply::Probe(probe(Some(BORN + 3), 3)));
    rig.shows(Some(BORN + 3), &[("a", "1"), ("b", "2"), ("d", "3")]);
    assert_eq!(outcome(&rig), &Restored::Replaced(Unproven::NoProof));
}

#[test]
fn a_server_without_the_hash_empties_it_or_has_it_kept() {
    let mut rig = restored(ReplicaSettings::default(), stored());
    rig.connect(1);
    rig.answer(no_hash());
    rig.shows(None, &[]);
    assert_eq!((rig.phase(), rig.event), (Phase::Live, Some(EventKind::Reset)));

    let mut rig = restored(ReplicaSettings::default().when_lost(WhenLost::Keep), stored());
    rig.connect(1);
    rig.answer(no_hash());
    rig.shows(Some(BORN), &STORED);
    assert_eq!((rig.phase(), outcome(&rig)), (Phase::Kept, &Restored::Shown));
    assert_eq!(rig.replica.status().fresh_at, None);
}

#[test]
fn it_comes_too_late_after_any_other_content() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    let staging = rig.replica.staging();
    rig.replica.restore(stored(), staging);
    assert_eq!((outcome(&rig), rig.replica.proof()), (&Restored::Never, None));
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 1), Some(entries(&[("a", "1")])))));
    let staging = rig.replica.staging();
    rig.replica.restore(stored(), staging);
    rig.shows(Some(BORN), &[("a", "1")]);
    assert_eq!(rig.replica.status().fresh_at, Some(SECOND));
}
