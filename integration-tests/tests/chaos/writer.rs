//! Writers: random writes, each with its outcome in the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use integration_tests::must_end;
use rmap_client::{Attempt, Error, Map, Revision, StepResult, Value, View};
use tokio::task::JoinSet;

use crate::ledger::{Action, Entry, Ledger, Outcome, Sight, State, list};

/// Longest pause between writes. With fewer than one write a millisecond on average, a new life seldom begins below the
/// revisions of a former life. The ledger can then distinguish lives without times.
const LONGEST_PAUSE: u64 = 40;

/// Longer lists are deleted.
const LONGEST_LIST: usize = 30;

pub(crate) const TEXTS: [&str; 8] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];
pub(crate) const COUNTERS: [&str; 4] = ["n0", "n1", "n2", "n3"];
pub(crate) const LISTS: [&str; 3] = ["l0", "l1", "l2"];

/// Keys that are only written together, in batches.
pub(crate) const TWINS: [&str; 2] = ["b0", "b1"];

/// Every key that is ever written.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    TEXTS.into_iter().chain(COUNTERS).chain(LISTS).chain(TWINS)
}

/// The common state of all writers.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) ledger: Ledger,
    pub(crate) done: AtomicBool,
    /// Source of unique values.
    next: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) histories_lost: AtomicU64,
    pub(crate) visits: AtomicU64,
    pub(crate) visits_refused: AtomicU64,
}

impl Desk {
    fn fresh(&self) -> String {
        format!("v{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// Writes until the stop signal, and then until every wait has ended.
pub(crate) async fn run(map: Map, desk: Arc<Desk>, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let mut waits = JoinSet::new();
    while !desk.is_done() {
        let burst = if random.u8(..) < 4 { 30 } else { 1 };
        let mut writes = JoinSet::new();
        for _ in 0..burst {
            writes.spawn(write(map.clone(), Arc::clone(&desk), random.fork()));
        }
        while let Some(written) = writes.join_next().await {
            if let Some(revision) = written.unwrap()
                && random.u8(..) < 50
            {
                waits.spawn(wait(map.clone(), Arc::clone(&desk), revision));
            }
        }
        while waits.try_join_next().is_some_and(|waited| waited.is_ok()) {}
        tokio::time::sleep(Duration::from_millis(random.u64(..LONGEST_PAUSE))).await;
    }
    must_end(async { while waits.join_next().await.is_some_and(|waited| waited.is_ok()) {} }).await;
    assert!(waits.is_empty(), "a wait panicked");
}

/// Waits for a committed revision. Any end of the wait is fine.
async fn wait(map: Map, desk: Arc<Desk>, revision: Revision) {
    desk.waits.fetch_add(1, Ordering::Relaxed);
    match map.wait_for(revision).await {
        Ok(()) => {}
        Err(Error::HistoryBroken { .. }) => {
            desk.histories_lost.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => panic!("{error}"),
    }
}

/// Performs one random write. Returns the revision if the write is committed.
async fn write(map: Map, desk: Arc<Desk>, mut random: Rng) -> Option<Revision> {
    if random.u8(..) < 20 {
        return must_end(batch(&map, &desk)).await;
    }
    let started = Instant::now();
    let (key, action, result) = must_end(some_write(&map, &desk, &mut random)).await;
    enter(&desk, started, key, action, result)
}

/// Counts two keys up in one batch. Each change has its own revision.
async fn batch(map: &Map, desk: &Desk) -> Option<Revision> {
    let started = Instant::now();
    let result = map.batch().inc(TWINS[0], 1).inc(TWINS[1], 1).commit().await;
    let mut last = None;
    for (index, key) in TWINS.into_iter().enumerate() {
        let judged = result.clone().map(|done| {
            let StepResult::Sum(sum) = done.results[index] else { panic!("{done:?}") };
            let before = (sum > 1).then(|| (sum - 1).to_string().into());
            let revision = done.revision.expect("a batch has a revision").get() - 1 + index as u64;
            committed(Revision::new(revision).unwrap(), before)
        });
        last = enter(desk, started, key, Action::Inc, judged);
    }
    last
}

/// Records a write in the ledger.
fn enter(
    desk: &Desk,
    started: Instant,
    key: &'static str,
    action: Action,
    result: Judged,
) -> Option<Revision> {
    let (revision, outcome) = match result {
        Ok(judged) => judged,
        Err(error) if error.outcome() == Some(rmap_client::Outcome::Indeterminate) => {
            // RMAPPARTIAL means that a proved command was refused half-way, which is a fault of the scripts.
            assert!(!error.to_string().contains("RMAPPARTIAL"), "{key} {action:?}: {error}");
            (None, Outcome::Indeterminate)
        }
        Err(error) if error.outcome() == Some(rmap_client::Outcome::Rejected) => {
            desk.ledger.reject(&error);
            return None;
        }
        Err(error) => panic!("{key} {action:?}: an outcome of no kind: {error}"),
    };
    desk.ledger.write(Entry { key, action, started, ended: Instant::now(), outcome });
    revision
}

/// Performs one more write after all faults. It must succeed.
pub(crate) async fn last(map: &Map, desk: &Desk) {
    let writing = async {
        let mut revision = None;
        while revision.is_none() {
            let started = Instant::now();
            let (key, action, result) = set(map, TEXTS[0], desk.fresh()).await;
            revision = enter(desk, started, key, action, result);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    must_end(writing).await;
}

type Judged = Result<(Option<Revision>, Outcome), Error>;

async fn some_write(map: &Map, desk: &Desk, random: &mut Rng) -> (&'static str, Action, Judged) {
    let pick = |random: &mut Rng, keys: &[&'static str]| keys[random.usize(..keys.len())];
    match random.u16(..1000) {
        0..3 => {
            let result = map.reset().await.map(|cleared| committed(cleared.revision, None));
            ("", Action::Reset, result)
        }
        3..250 => set(map, pick(random, &TEXTS), desk.fresh()).await,
        250..350 => set_and_wait(map, desk, pick(random, &TEXTS), desk.fresh()).await,
        350..450 => {
            let key = pick(random, &TEXTS);
            (key, Action::Delete, map.delete(key).await.map(attempted))
        }
        450..550 => {
            let (key, value) = (pick(random, &TEXTS), desk.fresh());
            let test = map.get(key).unwrap_or_else(|| "none".into());
            (key, Action::Set(value.clone()), map.test_and_set(key, test, value).await.map(attempted))
        }
        550..800 => {
            let key = pick(random, &COUNTERS);
            let result = map.inc(key, 1).await.map(|sum| {
                let before = (sum.value > 1).then(|| (sum.value - 1).to_string().into());
                committed(sum.revision, before)
            });
            (key, Action::Inc, result)
        }
        _ => append(map, desk, pick(random, &LISTS)).await,
    }
}

async fn set(map: &Map, key: &'static str, value: String) -> (&'static str, Action, Judged) {
    let result = map.set(key, &value).await;
    let result = result.map(|written| committed(written.revision, state(written.previous.as_ref())));
    (key, Action::Set(value), result)
}

/// Sets a key and waits. Whether or not the write becomes visible here, the time of its commit is known.
async fn set_and_wait(
    map: &Map,
    desk: &Desk,
    key: &'static str,
    value: String,
) -> (&'static str, Action, Judged) {
    let (started, local) = (Instant::now(), map.view().revision());
    let mut setting = map.set_and_wait(key, &value);
    let result = match (&mut setting).await {
        Err(error) if error.outcome() != Some(rmap_client::Outcome::Committed) => Err(error),
        waited => {
            if let Ok(written) = &waited
                && Some(written.revision) <= local
            {
                // The write began another life, so nothing of the former life may be visible.
                see(&map.view(), desk, key, started);
            }
            let written = setting.committed().expect("it is committed");
            Ok(committed(written.revision, state(written.previous.as_ref())))
        }
    };
    (key, Action::Set(value), result)
}

/// Records a view that is proven to be at least as new as `proven`.
fn see(view: &View, desk: &Desk, key: &'static str, proven: Instant) {
    if let Some(revision) = view.revision() {
        let (at, state) = (Instant::now(), state(view.get(key)));
        desk.ledger.see([Sight { at, proven, revision: revision.get(), key, state }]);
    }
}

async fn append(map: &Map, desk: &Desk, key: &'static str) -> (&'static str, Action, Judged) {
    let long = map.with(key, |list| list.iter().filter(|byte| **byte == b',').count() > LONGEST_LIST);
    if long == Some(true) {
        return (key, Action::Delete, map.delete(key).await.map(attempted));
    }
    let item = desk.fresh();
    let result = map.append_values(key, [&item]).await.map(|appended| {
        let (last, before) = appended.values.split_last().expect("what was appended is there");
        assert_eq!((last, appended.applied), (&item, true), "the item stands at the end");
        let before = (!before.is_empty()).then(|| list(before));
        committed(appended.revision.expect("a list has a revision"), before)
    });
    (key, Action::Append(item), result)
}

fn committed(revision: Revision, before: State) -> (Option<Revision>, Outcome) {
    (Some(revision), Outcome::Committed { revision: revision.get(), before })
}

fn attempted(attempt: Attempt) -> (Option<Revision>, Outcome) {
    let found = state(attempt.previous.as_ref());
    match attempt.revision {
        Some(revision) if attempt.applied => committed(revision, found),
        revision => {
            let found = revision.map(|revision| (revision.get(), found));
            (None, Outcome::NotApplied { found })
        }
    }
}

pub(crate) fn state(value: Option<&Value>) -> State {
    value.map(|value| value.as_str().expect("only text is written").into())
}
