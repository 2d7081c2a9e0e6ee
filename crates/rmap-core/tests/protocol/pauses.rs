//! Repeated disturbances do not make a replica read the map over and over.

use std::time::Duration;

use rmap_core::{Phase, ReplicaSettings, Request};
use rmap_proto::{ReadReply, Snapshot};

use super::rig::{BORN, Rig, SECOND, no_hash, page, probe, set, snapshot, tagged};

const PACE: Duration = Duration::from_millis(120);

impl Rig {
    /// Lets time pass and answers all requests, of a map that does not change. Returns the number of snapshots.
    fn pass(&mut self, until: Duration) -> u32 {
        let mut reads = 0;
        while let Some(due) = self.replica.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.replica.handle_timeout(self.now);
            self.drain();
            reads += self.serve();
        }
        self.now = until;
        reads
    }

    /// Answers all requests. Returns the number of snapshots.
    fn serve(&mut self) -> u32 {
        let mut reads = 0;
        while let Some((_, request)) = self.asked.front() {
            match request {
                Request::Snapshot { .. } => {
                    reads += 1;
                    self.answer(snapshot(BORN, &[("a", "1")]));
                }
                Request::Probe => self.answer(ReadReply::Probe(probe(Some(BORN), 1))),
                Request::Page { .. } => panic!("the map is small"),
            }
        }
        reads
    }

    /// Answers until the replica is in step.
    fn settle(&mut self) {
        self.serve();
        while self.phase() != Phase::Live {
            self.wait();
            self.serve();
        }
    }

    /// Sends a message at a pace for a while. Returns the number of snapshots that this caused.
    fn pester(&mut self, pace: Duration, lasting: Duration, message: &[u8]) -> u32 {
        let (mut reads, end) = (0, self.now + lasting);
        while self.now < end {
            self.notify(message);
            reads += self.serve();
            reads += self.pass(self.now + pace);
        }
        reads
    }
}

/// Nonsense, an old revision, and revisions of a map of the same name in another database.
#[test]
fn messages_that_keep_coming_cost_few_reads() {
    for message in
        [&b"garbage"[..], &set(BORN, "a", "1"), &set(BORN + 77, "b", "2"), &set(BORN - 500_000, "b", "2")]
    {
        for pace in [PACE, 10 * PACE, Duration::from_millis(4900)] {
            let mut rig = Rig::live();
            let reads = rig.pester(pace, 60 * SECOND, message);
            // The first starts are 0, 0.05, 0.1 seconds and so on apart, the others 5 seconds, each less a half at
            // most.
            assert!((1..=10 + 24).contains(&reads), "{reads} reads at a pace of {pace:?}");
            rig.pass(rig.now + 10 * SECOND);
            assert_eq!(rig.phase(), Phase::Live);
        }
    }
}

/// A replica that was in step for as long as the longest pause resyncs at once.
#[test]
fn a_pause_is_forgotten_after_a_calm_as_long_as_the_longest() {
    let longest = Duration::from_millis(800);
    let settings = ReplicaSettings::default().resync_interval(Duration::from_millis(50), longest);
    let mut rig = Rig::connected(settings);
    rig.answer(snapshot(BORN, &[("a", "1")]));
    for (calm, at_once) in [(longest, true), (longest / 2, false)] {
        rig.pester(PACE, 20 * SECOND, b"garbage");
        rig.settle();
        rig.pass(rig.now + calm);
        rig.notify(b"garbage");
        assert!(!at_once || !rig.asked.is_empty(), "it is repaired at once");
        rig.settle();
        rig.notify(b"garbage");
        let pause = rig.replica.poll_timeout().unwrap() - rig.now;
        let least = if at_once { Duration::from_millis(25) } else { longest / 2 };
        assert!((least..=2 * least).contains(&pause), "{pause:?} after a calm of {calm:?}");
        rig.settle();
    }
}

/// The pause follows the end of a read, however long the read took. Even a large map is not read without a pause.
#[test]
fn a_scan_is_no_calm_and_no_pause() {
    let mut rig = Rig::connected(ReplicaSettings::default().small_map(2, 100).page_fields(2));
    let mut pauses = Vec::new();
    for _ in 0..12 {
        if rig.asked.is_empty() {
            let ended = rig.now;
            rig.wait();
            pauses.push(rig.now - ended);
        }
        rig.answer(ReadReply::Snapshot(Snapshot::new(probe(Some(BORN), 3), None)));
        for (cursor, key, reserved) in [(5, "a", "=rev"), (3, "b", "=kind"), (0, "c", "=kind")] {
            rig.now += 2 * SECOND;
            rig.answer(page(cursor, &[(key, "1")], &[reserved]));
        }
        rig.answer(ReadReply::Probe(probe(Some(BORN), 3)));
        assert_eq!(rig.phase(), Phase::Live);
        rig.notify(b"garbage");
    }
    assert!(pauses.last().is_some_and(|pause| *pause >= 5 * SECOND / 2), "{pauses:?}");
}

/// The read is small, and an expired map should not be shown for longer than necessary.
#[test]
fn a_hash_that_is_gone_is_cleared_without_a_pause() {
    let mut rig = Rig::live();
    for number in 0..20 {
        rig.wait();
        rig.answer(ReadReply::Probe(probe(None, 0)));
        rig.answer(no_hash());
        rig.shows(None, &[]);
        let born = BORN + 10_000 * (number + 1);
        rig.notify(&tagged(born, "a", "1", true, 0));
        assert_eq!(rig.phase(), Phase::Live);
    }
    // The pauses of other resyncs have not grown.
    rig.notify(b"garbage");
    assert!(matches!(rig.asked().1, Request::Snapshot { .. }));
}
