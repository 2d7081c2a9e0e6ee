//! Invariants of a replica's content, events and changes.

use std::collections::BTreeMap;
use std::time::Duration;

use rmap_core::{EventKind, Phase, Reader, Replica, Target, Wait};
use rmap_proto::Revision;

use super::server::{Server, State};

/// Largest number of steps without a visible change between two looks at the content.
const LOOK_EVERY: u32 = 16;

pub(super) struct Oracle {
    reader: Reader,
    /// Waits, each with the number of the first state that may be shown when the wait is over.
    waiters: Vec<(Target, usize)>,
    /// The changes, applied to the content at the start of their recording. `None` while nothing is recorded.
    folded: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
    last: State,
    /// The content when the last recorded change was taken.
    settled: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The number of the last state shown.
    shown: usize,
    event: Option<EventKind>,
    skipped: u32,
}

impl Oracle {
    pub(super) fn new(replica: &mut Replica) -> Self {
        replica.observe_changes(true);
        Self {
            reader: replica.reader(),
            waiters: Vec::new(),
            folded: Some(BTreeMap::new()),
            last: (None, BTreeMap::new()),
            settled: BTreeMap::new(),
            shown: 0,
            event: None,
            skipped: 0,
        }
    }

    pub(super) fn emitted(&mut self, kind: EventKind) {
        self.event = self.event.max(Some(kind));
    }

    pub(super) fn wait(&mut self, revision: Option<Revision>, state: usize) {
        let progress = self.reader.progress();
        let target = match revision {
            Some(_) => progress.target(revision),
            None => progress.fresh_target(),
        };
        self.waiters.push((target, state));
    }

    pub(super) fn observe(&mut self, replica: &mut Replica, on: bool) {
        let shown = self.state();
        self.fold(replica, &shown);
        replica.observe_changes(on);
        self.folded = on.then(|| self.folded.take().unwrap_or(shown.1));
    }

    /// Checks the invariants that hold for any input. Returns true if the content was compared, which happens only now
    /// and then while nothing indicates a change, for speed.
    pub(super) fn check(&mut self, replica: &mut Replica, now: Duration) -> bool {
        self.skipped += 1;
        let moved = self.event.is_some() || replica.has_work() || self.reader.revision() != self.last.0;
        if !moved && self.skipped < LOOK_EVERY {
            return false;
        }
        self.skipped = 0;
        let shown = self.state();
        self.fold(replica, &shown);
        if !replica.has_work() {
            assert!(shown.1 == self.settled || self.event.is_some(), "the content changed without an event");
            self.event = None;
            self.settled.clone_from(&shown.1);
        }
        let status = replica.status();
        assert!(status.since <= now && status.fresh_at <= Some(now), "{status:?} at {now:?}");
        let syncing = matches!(status.phase, Phase::Joining | Phase::Resyncing);
        assert!(status.scan.is_none() || syncing, "{status:?}");
        self.last = shown;
        true
    }

    /// The view is one content: its length, its lookups and concurrent reads agree.
    fn state(&self) -> State {
        let view = self.reader.view();
        let content: BTreeMap<_, _> =
            view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        assert_eq!(
            (view.len(), self.reader.len(), view.iter().count()),
            (content.len(), content.len(), content.len())
        );
        for (key, value) in &content {
            assert_eq!(view.get(key).map(|found| found.as_bytes()), Some(&value[..]));
            assert_eq!(self.reader.with(key, <[u8]>::to_vec).as_ref(), Some(value));
        }
        assert_eq!(view.revision(), self.reader.revision());
        (view.revision(), content)
    }

    fn fold(&mut self, replica: &mut Replica, shown: &State) {
        while let Some(change) = replica.poll_change() {
            let folded = self.folded.as_mut().expect("changes come only while they are recorded");
            let key = change.key.as_bytes().to_vec();
            let old = match change.new {
                Some(new) => folded.insert(key, new.as_bytes().to_vec()),
                None => folded.remove(&key),
            };
            assert_eq!(old, change.old.map(|old| old.as_bytes().to_vec()), "what a change replaces");
        }
        let complete = self.folded.as_ref().is_none_or(|folded| *folded == shown.1);
        assert!(complete || replica.has_work(), "{:?}, {shown:?}", self.folded);
    }

    /// Every shown or claimed state must be one that the server had. If `ordered`, states must not go back.
    pub(super) fn check_prefix(&mut self, replica: &Replica, server: &Server, ordered: bool) {
        assert_eq!(replica.status().revision, self.last.0, "{:?}", replica.status());
        let least = if ordered { self.least(replica, server) } else { 0 };
        let ahead = server.states()[least..].iter().position(|state| *state == self.last);
        assert!(ahead.is_some(), "{:?} is no state from {least} on: {:?}", self.last, server.states());
        self.shown = least + ahead.unwrap_or_default();
    }

    /// The number of the first state that may be shown, given what was shown, what the status claims, and which waits
    /// ended.
    fn least(&mut self, replica: &Replica, server: &Server) -> usize {
        let progress = self.reader.progress();
        let (pending, ended): (Vec<_>, _) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition(|(target, _)| progress.check(target) == Wait::Pending);
        self.waiters = pending;
        let reached = ended.into_iter().filter(|(target, _)| progress.check(target) == Wait::Reached);
        let fresh = replica.status().fresh_at.map_or(0, |fresh_at| server.state_before(fresh_at));
        reached.map(|(_, state)| state).chain([self.shown, fresh]).max().unwrap_or_default()
    }

    pub(super) fn is_waited_for(&self) -> bool {
        let progress = self.reader.progress();
        self.waiters.iter().any(|(target, _)| progress.check(target) == Wait::Pending)
    }

    /// Checks that the replica is in step and that no wait is left.
    pub(super) fn check_settled(&self, server: &Server, sound: bool) {
        assert!(!self.is_waited_for(), "a wait that never ends");
        if sound {
            assert_eq!(self.state(), *server.state(), "after the faults");
        }
    }
}

/// Counts the messages that a replica claims to hold. Its settings bound them.
#[derive(Debug, Default)]
pub(super) struct HeldCount {
    messages: usize,
    bytes: usize,
    phase: Option<Phase>,
}

impl HeldCount {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn add(&mut self, payload: &[u8], phase: Phase, most: (usize, usize)) {
        if self.phase != Some(phase) {
            *self = Self { phase: Some(phase), ..Self::default() };
        }
        self.messages += 1;
        // A batch is counted by its stored size, not by its published size.
        self.bytes += if phase == Phase::Live { 0 } else { payload.len() };
        assert!(self.messages <= most.0 && self.bytes <= most.1, "{self:?} where {most:?} may be held");
    }
}
