//! The command connection moves to another server while the subscriber stays.

use rmap_core::{Phase, Reason, ReplicaSettings};
use rmap_proto::{Probe, ReadReply, Snapshot};

use super::rig::{BORN, Rig, elsewhere, entries, page, probe};

/// The new server's probe: the same revision and count.
fn at_new() -> Probe {
    elsewhere(probe(Some(BORN), 1))
}

fn is_left(rig: &Rig) {
    assert_eq!(rig.replaced, Some(1));
    assert_eq!((rig.phase(), &rig.replica.status().reason), (Phase::Disconnected, &Reason::Failover));
}

/// The old server does not replicate from the new one yet, so no publication of the new server arrives.
#[test]
fn another_server_is_left_without_its_mark() {
    // Case 1: a probe of a live replica.
    let mut rig = Rig::live();
    rig.wait();
    let (id, _) = rig.asked();
    rig.reply(id, ReadReply::Probe(at_new()));
    is_left(&rig);

    // Case 2: a snapshot of a resync.
    let mut rig = Rig::live();
    rig.lag();
    let (id, _) = rig.asked();
    let content = Some(entries(&[("a", "1")]));
    rig.reply(id, ReadReply::Snapshot(Snapshot::new(at_new(), content)));
    is_left(&rig);

    // Case 3: the end of a scan.
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(0, 0));
    rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 1), None)));
    rig.answer(page(0, &[("a", "1")], &["=rev", "=kind"]));
    let (id, _) = rig.asked();
    rig.reply(id, ReadReply::Probe(at_new()));
    is_left(&rig);
    rig.shows(None, &[]);
}

/// A reconnect may lead to another server, and outdated answers prove nothing.
#[test]
fn another_server_on_other_connections_is_no_failover() {
    let mut rig = Rig::live();
    rig.wait();
    let (late, _) = rig.asked();
    rig.replica.handle_disconnected(rig.now, "cut");
    rig.replica.handle_reply(rig.now, late, Ok(ReadReply::Probe(at_new())));
    rig.drain();
    rig.connect(2);
    rig.wait();
    let content = Some(entries(&[("a", "1")]));
    rig.answer(ReadReply::Snapshot(Snapshot::new(at_new(), content)));
    assert_eq!((rig.phase(), rig.replaced), (Phase::Live, None));
}
