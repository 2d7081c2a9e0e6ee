//! Waits across lives of the hash. No content of an ended life may end a wait.

use rmap_core::{Phase, Progress, ReplicaSettings, Request, Target, Wait};
use rmap_proto::ReadReply;

use super::rig::{BORN, Rig, no_hash, page, probe, reset, rev, set, snapshot, tagged};

const OLD: [(&str, &str); 2] = [("a", "old"), ("b", "old")];

impl Rig {
    /// A live replica whose map was written faster than once a millisecond, so that a new life begins below its
    /// revision.
    fn ahead() -> Self {
        let mut rig = Self::connected(ReplicaSettings::default());
        rig.answer(snapshot(BORN + 4000, &OLD));
        rig
    }

    fn progress(&self) -> Progress {
        self.replica.progress()
    }

    fn check(&self, target: &Target) -> Wait {
        self.progress().check(target)
    }

    /// Begins a wait as a driver does.
    fn begin(&mut self, target: &Target) {
        if self.check(target) == Wait::Pending {
            self.replica.handle_wait(self.now, target);
            self.drain();
        }
    }

    fn wait_for(&mut self, number: u64) -> Target {
        let target = self.progress().target(Some(rev(number)));
        self.begin(&target);
        target
    }

    /// Begins the wait for a write of this process, which was sent at `before` and has just been answered.
    fn wait_for_own(&mut self, before: &Progress, number: u64) -> Target {
        let target = self.progress().own_target(rev(number), before);
        self.begin(&target);
        target
    }

    /// Answers all probes and verification pages of a server that holds `pairs` at `revision`.
    fn prove(&mut self, revision: u64, pairs: &[(&str, &str)]) {
        assert_eq!(self.asked[0].1, Request::Probe);
        loop {
            match self.asked.front().map(|(_, request)| *request) {
                Some(Request::Probe) => {
                    self.answer(ReadReply::Probe(probe(Some(revision), pairs.len() as u64)))
                }
                Some(Request::Page { .. }) => self.answer(page(0, pairs, &["=rev", "=kind"])),
                Some(Request::Snapshot { .. }) => panic!("it is in step"),
                None if self.replica.has_work() => self.work(),
                None if self.replica.poll_timeout().is_some_and(|due| due <= self.now) => self.wait(),
                None => return,
            }
        }
    }
}

#[test]
fn a_wait_for_a_revision_that_is_passed_ends_with_one_proof_for_all() {
    // The replica may or may not have seen the beginning of the life. A later life may begin above it.
    for seen in [false, true] {
        let mut rig = Rig::ahead();
        if seen {
            rig = Rig::connected(ReplicaSettings::default());
            rig.answer(no_hash());
            rig.notify(&tagged(BORN, "a", "old", true, 0));
            rig.notify(&set(BORN + 1, "b", "old"));
        }
        let local = rig.progress().revision().unwrap().get();
        let waits = [rig.progress().target(Some(rev(local))); 5];
        waits.iter().for_each(|wait| rig.begin(wait));
        assert_eq!(rig.asked.len(), 1, "one probe serves all of them");
        assert!(waits.iter().all(|wait| rig.check(wait) == Wait::Pending));
        rig.prove(local, &OLD);
        assert!(waits.iter().all(|wait| rig.check(wait) == Wait::Reached));
        assert!(rig.asked.is_empty(), "and nothing else is asked");
        // A later wait needs another proof.
        let later = rig.wait_for(local);
        assert_eq!(rig.check(&later), Wait::Pending);
        rig.prove(local, &OLD);
        assert_eq!(rig.check(&later), Wait::Reached);
    }
}

#[test]
fn a_proof_that_was_asked_for_before_the_wait_does_not_end_it() {
    let mut rig = Rig::ahead();
    rig.wait();
    let (early, _) = rig.asked();
    let wait = rig.wait_for(BORN + 600);
    rig.mark(early);
    rig.reply(early, ReadReply::Probe(probe(Some(BORN + 4000), 2)));
    assert_eq!(rig.check(&wait), Wait::Pending);
    rig.prove(BORN + 4000, &OLD);
    assert_eq!(rig.check(&wait), Wait::Reached);
}

#[test]
fn the_write_of_another_process_in_a_new_life_is_waited_for() {
    let mut rig = Rig::ahead();
    // The hash was deleted and created again at BORN + 600. No notification of that has arrived here.
    let [first, second] = [BORN + 600, BORN + 601].map(|number| rig.progress().target(Some(rev(number))));
    [first, second].iter().for_each(|wait| rig.begin(wait));
    rig.notify(&set(BORN + 4001, "a", "still old"));
    assert_eq!([rig.check(&first), rig.check(&second)], [Wait::Pending; 2]);
    rig.notify(&tagged(BORN + 600, "a", "new", true, 0));
    // No other write has this number, but the notification may be forged.
    assert_eq!([rig.check(&first), rig.check(&second)], [Wait::Pending; 2]);
    rig.notify(&set(BORN + 601, "c", "new"));
    assert_eq!([rig.check(&first), rig.check(&second)], [Wait::Pending; 2]);
    assert_eq!(rig.replica.status().fresh_at, None);
    rig.prove(BORN + 601, &[("a", "new"), ("c", "new")]);
    assert_eq!([rig.check(&first), rig.check(&second)], [Wait::Reached; 2]);
    assert!(rig.replica.status().fresh_at.is_some());
    rig.shows(Some(BORN + 601), &[("a", "new"), ("c", "new")]);
}

#[test]
fn an_own_write_below_the_revision_before_it_is_in_a_new_life() {
    // The first write of the new life, a later write, and the last write of the first batch.
    for (own, batch) in [(BORN + 600, 0), (BORN + 602, 0), (BORN + 602, 2)] {
        let mut rig = Rig::ahead();
        let before = rig.progress();
        let wait = rig.wait_for_own(&before, own);
        assert_eq!(rig.check(&wait), Wait::Pending);
        for number in BORN + 600..=own {
            rig.notify(&tagged(number, "c", "new", number == BORN + 600, batch.min(own - number) as u32));
        }
        if rig.check(&wait) == Wait::Pending {
            rig.prove(own, &[("c", "new")]);
        }
        assert_eq!(rig.check(&wait), Wait::Reached);
        rig.shows(Some(own), &[("c", "new")]);
    }
}

/// The notification may arrive before the reply. The wait then needs only the verification.
#[test]
fn an_own_write_that_began_a_life_is_reached_when_it_is_shown() {
    let mut rig = Rig::ahead();
    let before = rig.progress();
    rig.notify(&tagged(BORN + 600, "c", "new", true, 0));
    let wait = rig.wait_for_own(&before, BORN + 600);
    assert_eq!(rig.check(&wait), Wait::Pending);
    rig.prove(BORN + 600, &[("c", "new")]);
    assert_eq!(rig.check(&wait), Wait::Reached);
    assert!(rig.asked.is_empty());
}

/// A server that lost the shown life reached its first revision again.
#[test]
fn an_own_write_does_not_take_the_start_of_an_earlier_life_for_itself() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    rig.notify(&tagged(BORN, "a", "lost", true, 0));
    let wait = rig.wait_for_own(&rig.progress(), BORN);
    assert_eq!(rig.check(&wait), Wait::Pending);
    rig.notify(&set(BORN, "own", "1"));
    assert_eq!(rig.phase(), Phase::Resyncing);
    assert_eq!(rig.check(&wait), Wait::Pending);
    rig.answer(snapshot(BORN, &[("own", "1")]));
    assert_eq!(rig.check(&wait), Wait::Reached);
}

#[test]
fn an_own_write_above_the_revision_before_it_needs_no_proof() {
    for early in [false, true] {
        let mut rig = Rig::live();
        let before = rig.progress();
        if early {
            rig.notify(&set(BORN + 1, "b", "2"));
        }
        let wait = rig.wait_for_own(&before, BORN + 1);
        assert_eq!(rig.check(&wait), if early { Wait::Reached } else { Wait::Pending });
        rig.notify(&set(BORN + 1, "b", "2"));
        assert_eq!(rig.check(&wait), Wait::Reached);
    }
    let mut rig = Rig::live();
    let wait = rig.wait_for_own(&rig.progress(), BORN + 1);
    assert!(!wait.needs_proof() && rig.asked.is_empty());
}

/// A Go peer begins at 1, and no tag marks the hash as new.
#[test]
fn a_life_that_a_go_peer_began_does_not_release_waits_before_it_is_shown() {
    let mut rig = Rig::ahead();
    let before = rig.progress();
    let (own, other) = (rig.wait_for_own(&before, 2), rig.wait_for(1));
    rig.notify(&set(1, "k", "go"));
    assert_eq!(rig.phase(), Phase::Resyncing);
    assert_eq!([rig.check(&own), rig.check(&other)], [Wait::Pending; 2]);
    rig.answer(snapshot(2, &[("k", "go"), ("own", "2")]));
    assert_eq!([rig.check(&own), rig.check(&other)], [Wait::Reached; 2]);
}

/// A map restored from a copy goes back, and its next writes reuse revisions of other writes.
#[test]
fn a_copy_that_is_put_back_does_not_release_waits_before_it_is_shown() {
    let mut rig = Rig::ahead();
    let before = rig.progress();
    let (own, other) = (rig.wait_for_own(&before, BORN + 3991), rig.wait_for(BORN + 3992));
    rig.notify(&set(BORN + 3991, "own", "1"));
    assert_eq!([rig.check(&own), rig.check(&other)], [Wait::Pending; 2]);
    rig.answer(snapshot(BORN + 3991, &[("copy", "1"), ("own", "1")]));
    assert_eq!(rig.check(&own), Wait::Reached);
    assert_eq!(rig.check(&other), Wait::HistoryBroken, "nobody has written that");
}

#[test]
fn a_history_that_broke_while_a_write_was_in_flight_is_proven() {
    let mut rig = Rig::live();
    let before = rig.progress();
    rig.notify(&reset(BORN - 100));
    let wait = rig.wait_for_own(&before, BORN + 1);
    assert!(wait.needs_proof());
    rig.prove(BORN - 100, &[]);
    assert_eq!(rig.check(&wait), Wait::HistoryBroken);
}

#[test]
fn a_wait_that_is_not_proven_ends_with_the_map() {
    let mut rig = Rig::ahead();
    let before = rig.progress();
    let (own, other) = (rig.wait_for_own(&before, BORN + 600), rig.wait_for(BORN + 600));
    rig.replica.close(rig.now);
    assert_eq!([rig.check(&own), rig.check(&other)], [Wait::Closed; 2]);
    // The content of a closed map is final, so nothing else can decide the wait.
    let later = [BORN + 4000, BORN + 4001].map(|number| rig.progress().target(Some(rev(number))));
    assert_eq!(later.map(|target| rig.check(&target)), [Wait::Reached, Wait::Closed]);
}

/// The server lost the life that is shown, and the first write after the failover got its number.
#[test]
fn a_wait_for_the_first_revision_of_the_shown_life_needs_a_proof() {
    let mut rig = Rig::connected(ReplicaSettings::default());
    rig.answer(no_hash());
    rig.notify(&tagged(BORN, "a", "lost", true, 0));
    let wait = rig.wait_for(BORN);
    assert_eq!(rig.check(&wait), Wait::Pending);
    rig.prove(BORN, &[("a", "lost")]);
    assert_eq!(rig.check(&wait), Wait::Reached);
}
