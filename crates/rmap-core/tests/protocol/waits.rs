//! Waits for a revision, for a proof, and for the end.

use rmap_core::{Disposition, Phase, Wait};
use rmap_proto::ReadReply;

use crate::rig::{BORN, Rig, probe, rev, set, snapshot, tagged};

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
fn a_wait_for_the_write_that_created_the_hash_again_is_reached() {
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
