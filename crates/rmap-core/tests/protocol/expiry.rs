//! Expiry that no probe could foresee, because the time to live is shorter than the pause between two probes.

use std::time::Duration;

use rmap_core::{Disposition, ReplicaSettings, Request};
use rmap_proto::{ReadReply, Snapshot};

use super::rig::{BORN, Rig, SECOND, delete, entries, no_hash, probe, reset, set, tagged};

const TTL: Duration = Duration::from_millis(700);
const PAST: Duration = Duration::from_millis(2);
const FLOOR: Duration = Duration::from_millis(100);

fn rig(ttl: Duration) -> Rig {
    let mut rig = Rig::connected(ReplicaSettings::default().expires_after(ttl));
    rig.answer(no_hash());
    rig.now += SECOND;
    rig
}

fn due(rig: &Rig) -> Duration {
    rig.replica.poll_timeout().unwrap()
}

#[test]
fn a_change_is_followed_by_a_probe_when_the_hash_may_have_expired() {
    let changes = [
        vec![tagged(BORN, "a", "1", true, 0)],
        vec![tagged(BORN, "a", "1", true, 1), tagged(BORN + 1, "b", "1", false, 0)],
        vec![set(1, "a", "1")],
        vec![reset(BORN)],
    ];
    for change in changes {
        let mut rig = rig(TTL);
        for payload in &change {
            rig.notify(payload);
        }
        assert_eq!(due(&rig), rig.now + TTL + PAST);
        // Later writes may or may not extend the life. The first expiry is the earliest possible one.
        let begun = rig.now;
        rig.now += Duration::from_millis(5);
        let next = rig.replica.progress().revision().unwrap().get() + 1;
        assert_eq!(rig.notify(&delete(next, "a")), Disposition::Applied);
        assert_eq!(due(&rig), begun + TTL + PAST);
        let shown = rig.replica.reader().revision();
        rig.wait();
        assert_eq!(rig.asked[0].1, Request::Probe);
        assert_eq!(rig.replica.reader().revision(), shown, "nothing is cleared by guess");
        rig.answer(ReadReply::Probe(probe(None, 0)));
        rig.answer(no_hash());
        rig.shows(None, &[]);
        assert!(due(&rig) > rig.now + 3 * SECOND, "without a hash nothing expires");
    }
}

#[test]
fn what_a_probe_has_seen_is_left_to_the_server() {
    for before_mark in [false, true] {
        let mut rig = rig(TTL);
        rig.replica.handle_sync(rig.now);
        rig.drain();
        let (id, _) = rig.asked();
        if before_mark {
            rig.notify(&tagged(BORN, "a", "1", true, 0));
        }
        rig.mark(id);
        let mut reply = probe(None, 0);
        if before_mark {
            reply = probe(Some(BORN), 1).ttl(Some(3 * SECOND));
        } else {
            rig.notify(&tagged(BORN, "a", "1", true, 0));
        }
        let changed = rig.now;
        rig.now += Duration::from_millis(10);
        rig.reply(id, ReadReply::Probe(reply));
        let expected = if before_mark { rig.now + 3 * SECOND } else { changed + TTL };
        assert_eq!(due(&rig), expected + PAST);
    }
}

#[test]
fn a_change_that_was_held_counts() {
    let mut rig = Rig::connected(ReplicaSettings::default().expires_after(TTL));
    let (id, _) = rig.asked();
    rig.mark(id);
    rig.notify(&set(BORN + 1, "b", "1"));
    let content = Some(entries(&[("a", "1")]));
    rig.reply(id, ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 1), content)));
    assert_eq!(due(&rig), rig.now + TTL + PAST);
}

#[test]
fn a_very_short_time_to_live_is_not_probed_more_often_than_the_floor() {
    let mut rig = rig(Duration::from_millis(5));
    rig.notify(&tagged(BORN, "a", "1", true, 0));
    let (mut probes, begun) = (0, rig.now);
    for number in 1..=10_000 {
        rig.now += Duration::from_millis(1);
        rig.notify(&set(BORN + number, "a", "1"));
        while due(&rig) <= rig.now {
            rig.wait();
            probes += 1;
            rig.answer(ReadReply::Probe(probe(Some(BORN + number), 1)));
        }
    }
    let most = (rig.now - begun).as_millis() / FLOOR.as_millis() + 1;
    assert!((most / 2..=most).contains(&probes), "{probes} probes, {most} at most");
}

#[test]
fn nothing_changes_where_probes_foresee_it_or_nobody_sets_it() {
    for settings in [ReplicaSettings::default(), ReplicaSettings::default().expires_after(5 * SECOND)] {
        let mut rig = Rig::connected(settings);
        rig.answer(no_hash());
        let before = due(&rig);
        rig.notify(&tagged(BORN, "a", "1", true, 0));
        assert_eq!(due(&rig), before);
    }
}
