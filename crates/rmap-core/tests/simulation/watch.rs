//! The invariants of one replica.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rmap_core::{EventKind, Phase, Reader, Replica, ReplicaStatus, Restored, Target, Wait};
use rmap_proto::Revision;

use crate::fault::Blur;
use crate::heard::Heard;
use crate::node::WriteReply;
use crate::plan::{Luck, Plan};
use crate::server::{Server, State};
use crate::tally;

/// Most snapshots that a replica may request within this time, in milliseconds. Pauses between resyncs double from 50
/// ms to 5 s, and each is at least half of that.
const MOST_SNAPSHOTS: usize = 20;
const SNAPSHOTS_WITHIN: u64 = 20_000;

/// A wait at this node, and the number of the first state that may be shown when the wait is over.
#[derive(Debug)]
#[expect(dead_code, reason = "`began` is printed")]
struct Waiter {
    target: Target,
    state: usize,
    /// True when the revision was already local. The wait must then find out which life has it.
    passed: bool,
    began: u64,
}

pub(crate) struct Watch {
    /// The uncertainty of the whole history: consequences of faults may arrive after the faults ended.
    blur: Blur,
    /// True when the replica records changes.
    observes: bool,
    keeps: bool,
    heard: Arc<Heard>,
    reader: Reader,
    waiters: Vec<Waiter>,
    /// The changes, applied to the empty content.
    folded: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The strongest event since the last recorded change was taken, and the content at that moment.
    strongest: Option<EventKind>,
    settled: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The last state shown: its number and itself.
    shown: usize,
    last: State,
    resyncs: u64,
    /// The strongest event since the last check, and whether there was a proof before.
    event: Option<EventKind>,
    joined: bool,
    /// Times of recent requests for snapshots, except the first of each connection.
    snapshots: VecDeque<u64>,
    fresh_connection: bool,
    /// True while a verification is requested.
    verifies: bool,
}

impl Watch {
    pub(crate) fn new(reader: Reader, plan: &Plan, observes: bool, heard: Arc<Heard>) -> Self {
        Self {
            blur: plan.blur(),
            observes,
            keeps: plan.settings.keep,
            heard,
            reader,
            waiters: Vec::new(),
            folded: BTreeMap::new(),
            strongest: None,
            settled: BTreeMap::new(),
            shown: 0,
            last: (None, BTreeMap::new()),
            resyncs: 0,
            event: None,
            joined: false,
            snapshots: VecDeque::new(),
            fresh_connection: true,
            verifies: false,
        }
    }

    /// Begins to watch a process that starts with the content that an earlier one stored in this state.
    pub(crate) const fn begin_at(&mut self, state: usize) {
        self.shown = state;
    }

    /// The number of the state that is shown.
    pub(crate) const fn shown(&self) -> usize {
        self.shown
    }

    pub(crate) fn wait_fresh(&mut self, now: u64, server: &Server) {
        let target = self.reader.progress().fresh_target();
        self.waiters.push(Waiter { target, state: server.current(), passed: true, began: now });
    }

    pub(crate) fn wait_for(&mut self, now: u64, revision: Revision, server: &Server) -> Target {
        let local = self.reader.progress();
        let (target, passed) = (local.target(Some(revision)), local.revision() >= Some(revision));
        self.waiters.push(Waiter { target, state: server.current(), passed, began: now });
        target
    }

    pub(crate) fn wait_for_own(&mut self, now: u64, written: &WriteReply) -> Target {
        let target = self.reader.progress().own_target(written.revision, &written.before);
        let passed = written.before.revision() >= Some(written.revision);
        self.waiters.push(Waiter { target, state: written.state, passed, began: now });
        target
    }

    pub(crate) const fn verify(&mut self) {
        self.verifies = true;
    }

    pub(crate) const fn disconnected(&mut self) {
        self.fresh_connection = true;
    }

    /// However often a replica is disturbed, it does not read the map over and over.
    pub(crate) fn asked_snapshot(&mut self, now: u64) -> Result<(), String> {
        if std::mem::take(&mut self.fresh_connection) {
            return Ok(());
        }
        self.snapshots.push_back(now);
        self.snapshots.retain(|at| now - at < SNAPSHOTS_WITHIN);
        if self.snapshots.len() > MOST_SNAPSHOTS {
            return Err(format!("{} snapshots within {SNAPSHOTS_WITHIN} ms", self.snapshots.len()));
        }
        Ok(())
    }

    /// A verification finds nothing in histories where replicas only show content of the hash.
    pub(crate) fn check_verified(&mut self, replica: &mut Replica, luck: &mut Luck) -> Result<(), String> {
        while let Some(outcome) = replica.poll_verified() {
            luck.tally.count("verification", tally::verification(&outcome));
            if !std::mem::take(&mut self.verifies) {
                return Err(format!("nobody asked for {outcome:?}"));
            }
            if self.blur < Blur::States && outcome.as_ref().is_ok_and(|verified| !verified.agrees()) {
                return Err(format!("none differed, and yet: {outcome:?}"));
            }
        }
        match replica.status().differed {
            0 => Ok(()),
            _ if self.blur >= Blur::States => Ok(()),
            differed => Err(format!("{differed} entries differ, it is said, and none did")),
        }
    }

    pub(crate) fn emitted(&mut self, kind: EventKind, luck: &mut Luck) {
        luck.tally.count("event", tally::event(kind));
        self.strongest = self.strongest.max(Some(kind));
        self.event = self.event.max(Some(kind));
    }

    pub(crate) fn status_changed(&mut self, status: &ReplicaStatus, luck: &mut Luck) {
        luck.tally.count("phase", tally::phase(status.phase));
        luck.tally.count("status", tally::reason(&status.reason));
        if let Some(reason) = status.last_resync.as_ref().filter(|_| status.resyncs > self.resyncs) {
            luck.tally.count("resync", tally::reason(reason));
            self.resyncs = status.resyncs;
        }
        if status.scan.is_some() {
            luck.tally.count("state", "scanning");
        }
        if !status.failover_detection {
            luck.tally.count("state", "failovers cannot be found");
        }
        if status.in_doubt {
            luck.tally.count("state", "in doubt");
        }
        match &status.restored {
            Restored::Never => {}
            Restored::Shown => luck.tally.count("stored content", "shown"),
            Restored::Taken => luck.tally.count("stored content", "taken"),
            Restored::Replaced(why) => luck.tally.count("stored content", tally::unproven(why)),
            new => unreachable!("name {new:?} here and list it in `tally`"),
        }
        if status.late_since.is_some() {
            luck.tally.count("state", "late");
        }
    }

    /// Invariant 4: events and notices to watchers cover changes, and the changes applied in order give the content.
    pub(crate) fn check_events(&mut self, replica: &mut Replica, luck: &mut Luck) -> Result<(), String> {
        let now = self.state();
        self.heard.check(&self.last.1, &now.1)?;
        while let Some(change) = replica.poll_change() {
            let key = change.key.as_bytes().to_vec();
            let old = change.old.map(|value| value.as_bytes().to_vec());
            if self.folded.get(&key) != old.as_ref() {
                return Err(format!(
                    "a change of {key:?} has the old value {old:?} where {:?} was",
                    self.folded.get(&key)
                ));
            }
            match change.new {
                Some(new) => self.folded.insert(key, new.as_bytes().to_vec()),
                None => self.folded.remove(&key),
            };
        }
        if replica.has_work() {
            luck.tally.count("state", "comparing");
        } else {
            if self.observes && self.folded != now.1 {
                return Err(format!("the changes give {:?}, the content is {:?}", self.folded, now.1));
            }
            if self.settled != now.1 && self.strongest.is_none() {
                return Err("the content changed without an event".to_owned());
            }
            self.strongest = None;
            self.settled.clone_from(&now.1);
        }
        if self.blur < Blur::Revisions {
            self.check_order(&now)?;
        }
        self.last = now;
        Ok(())
    }

    /// Invariant 2, as far as it shows between two inputs: one content per revision.
    fn check_order(&self, now: &State) -> Result<(), String> {
        if now.0.is_some() && now.0 == self.last.0 && now.1 != self.last.1 {
            return Err(format!(
                "revision {:?} changed its content from {:?} to {:?}",
                now.0, self.last.1, now.1
            ));
        }
        Ok(())
    }

    fn state(&self) -> State {
        let view = self.reader.view();
        let content = view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
        (view.revision(), content.collect())
    }

    /// Invariants 1 and 5, and the truth of the status about freshness.
    pub(crate) fn check(
        &mut self,
        replica: &Replica,
        server: &Server,
        luck: &mut Luck,
    ) -> Result<(), String> {
        if self.blur < Blur::States {
            let before = self.shown;
            self.check_shows(server, self.shown, "it shows")?;
            self.check_reset(server, before)?;
        }
        self.check_kept(replica)?;
        self.event = None;
        self.joined |= replica.status().fresh_at.is_some() && replica.status().restored != Restored::Shown;
        self.check_waits(server, luck)?;
        match replica.status().fresh_at {
            Some(at) if self.blur < Blur::States => {
                let at = u64::try_from(at.as_millis()).unwrap();
                self.check_shows(server, server.state_before(at), "the status says fresh")
            }
            _ => Ok(()),
        }
    }

    /// A kept content is one that the settings let be kept; nothing proves it.
    fn check_kept(&self, replica: &Replica) -> Result<(), String> {
        let status = replica.status();
        if status.phase != Phase::Kept {
            return Ok(());
        }
        if !self.keeps || self.last.1.is_empty() || status.fresh_at.is_some() {
            return Err(format!("kept {:?} although it may not be: {status:?}", self.last));
        }
        Ok(())
    }

    /// Content that a reset made comes with a reset event, however the replica learned of it.
    fn check_reset(&self, server: &Server, before: usize) -> Result<(), String> {
        let shows_reset = self.blur < Blur::Revisions && self.shown > before && server.is_cleared(self.shown);
        if shows_reset && self.joined && self.event != Some(EventKind::Reset) {
            return Err(format!("it shows the reset {:?} and emitted {:?}", self.last, self.event));
        }
        Ok(())
    }

    fn check_waits(&mut self, server: &Server, luck: &mut Luck) -> Result<(), String> {
        let progress = self.reader.progress();
        let (ended, waiting) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition::<Vec<_>, _>(|waiter| progress.check(&waiter.target) != Wait::Pending);
        self.waiters = waiting;
        for waiter in ended {
            let end = progress.check(&waiter.target);
            luck.tally.count("wait", tally::wait(end));
            match end {
                Wait::Reached if self.blur < if waiter.passed { Blur::States } else { Blur::Revisions } => {
                    self.check_shows(server, waiter.state, "a wait ended")?;
                }
                Wait::HistoryBroken if self.blur < Blur::History => {
                    return Err(format!("{waiter:?} ended as broken, and the history never was"));
                }
                Wait::Pending | Wait::Reached | Wait::HistoryBroken | Wait::Closed => {}
                _ => {}
            }
        }
        Ok(())
    }

    /// The shown state must be the state with this number or a later one.
    fn check_shows(&mut self, server: &Server, least: usize, what: &str) -> Result<(), String> {
        let least = least.max(self.shown);
        match server.states()[least..].iter().position(|(_, state)| *state == self.last) {
            Some(ahead) => {
                self.shown = least + ahead;
                Ok(())
            }
            None => Err(format!(
                "{what} {:?}, which is no state from {least} on: {:?}",
                self.last,
                &server.states()[least..]
            )),
        }
    }

    /// Checks that the replica is in step and that no wait is left.
    pub(crate) fn check_settled(&self, now: u64, replica: &Replica, server: &Server) -> Result<(), String> {
        let (_, state) = &server.states()[server.current()];
        if self.last != *state {
            return Err(format!("shows {:?} instead of {state:?}: {:?}", self.last, replica.status()));
        }
        if replica.status().phase != Phase::Live || replica.has_work() {
            return Err(format!("not live at {now}: {:?}", replica.status()));
        }
        if self.verifies || replica.status().in_doubt {
            return Err(format!("somebody still waits for a verification at {now}: {:?}", replica.status()));
        }
        match self.waiters.first() {
            Some(waiter) => Err(format!("{waiter:?} still waits at {now}: {:?}", self.reader.progress())),
            None => Ok(()),
        }
    }
}
