//! The check of the ledger. Every committed write has its own revision, and from revision to revision each key holds
//! what the writes made of it. Two exceptions are allowed: writes of unknown outcome, and writes that the server itself
//! lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound::{Excluded, Included};
use std::time::Instant;

use crate::ledger::{Action, Entry, Outcome, Sight, State};

/// The server lost acknowledged writes.
#[derive(Debug, Clone)]
pub(crate) enum Loss {
    /// The hash was deleted at this revision, and the next life begins above it.
    Wiped { last: u64 },
    /// The hash was deleted between these moments, and the next life may reuse its revisions.
    Restarted { before: Instant, after: Instant },
    /// The server died and came back with the content of a revision.
    Rewound { kept: u64, died: Instant, back: Instant },
}

/// One line of history: the changes of one server while it does not go back.
#[derive(Debug, Default, Clone)]
struct Line<'a> {
    committed: BTreeMap<u64, &'a Entry>,
    /// Last revisions of the lives that were wiped out.
    wiped: Vec<u64>,
}

/// The result of the check.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) errors: Vec<String>,
    /// Number of committed writes that the server lost.
    pub(crate) lost: usize,
    /// Number of writes of unknown outcome that were carried out, as far as anybody saw it.
    pub(crate) surfaced: usize,
    pub(crate) sights: usize,
}

pub(crate) fn check(entries: &[Entry], sights: &[Sight], losses: &[Loss]) -> Account {
    let mut account = Account::default();
    let rewinds: Vec<_> = losses.iter().filter_map(Rewind::of).collect();
    let unknown: Vec<_> = entries.iter().filter(|entry| is_unknown(entry, &rewinds)).collect();
    let mut line = Line::default();
    for number in 0..=rewinds.len() {
        let wiped = losses.split(|loss| Rewind::of(loss).is_some()).nth(number).into_iter().flatten();
        line.wiped.extend(
            wiped.filter_map(|loss| if let Loss::Wiped { last } = loss { Some(*last) } else { None }),
        );
        let within = |at: Instant| number_of_rewinds(&rewinds, at) == number;
        for entry in entries.iter().filter(|entry| within(entry.started) && !is_unknown(entry, &rewinds)) {
            account.enter(&mut line, entry);
        }
        // A view may still show the server that died, until it is proven against the server that came back.
        let seen = sights
            .iter()
            .filter(|sight| within(sight.at) && back_by(&rewinds, number, sight.proven))
            .cloned();
        let told = entries.iter().filter(|entry| within(entry.started) && !is_between(entry, &rewinds));
        let seen: Vec<_> = seen.chain(told.filter_map(found)).collect();
        account.walk(&line, seen, &unknown);
        if let Some(Rewind { kept, .. }) = rewinds.get(number) {
            account.lost += line.committed.split_off(&(kept + 1)).len();
            line.wiped.retain(|last| last <= kept);
        }
    }
    account
}

/// The transition from one line of history to the next, which keeps the content before a revision.
#[derive(Debug)]
struct Rewind {
    kept: u64,
    /// The transition happened between these moments.
    from: Instant,
    to: Instant,
    /// True when the server carried out nothing between them.
    dead: bool,
}

impl Rewind {
    const fn of(loss: &Loss) -> Option<Self> {
        match loss {
            Loss::Rewound { kept, died, back } => {
                Some(Self { kept: *kept, from: *died, to: *back, dead: true })
            }
            Loss::Restarted { before, after } => {
                Some(Self { kept: 0, from: *before, to: *after, dead: false })
            }
            Loss::Wiped { .. } => None,
        }
    }

    fn is_within(&self, entry: &Entry) -> bool {
        let (from, to) = if self.dead { (self.to, self.from) } else { (self.from, self.to) };
        entry.started < to && entry.ended > from
    }
}

fn number_of_rewinds(rewinds: &[Rewind], at: Instant) -> usize {
    rewinds.iter().filter(|rewind| at >= rewind.from).count()
}

fn back_by(rewinds: &[Rewind], number: usize, proven: Instant) -> bool {
    number == 0 || rewinds[number - 1].to < proven
}

/// True when the write may be before or after a rewind.
fn is_between(entry: &Entry, rewinds: &[Rewind]) -> bool {
    rewinds.iter().any(|rewind| rewind.is_within(entry))
}

fn is_unknown(entry: &Entry, rewinds: &[Rewind]) -> bool {
    match entry.outcome {
        Outcome::Indeterminate => true,
        Outcome::Committed { .. } => is_between(entry, rewinds),
        Outcome::NotApplied { .. } => false,
    }
}

/// The value that a write found when its condition did not hold.
fn found(entry: &Entry) -> Option<Sight> {
    let Outcome::NotApplied { found: Some((revision, state)) } = &entry.outcome else { return None };
    Some(Sight {
        at: entry.ended,
        proven: entry.started,
        revision: *revision,
        key: entry.key,
        state: state.clone(),
    })
}

impl Account {
    fn enter<'a>(&mut self, line: &mut Line<'a>, entry: &'a Entry) {
        let Outcome::Committed { revision: last, .. } = &entry.outcome else { return };
        for revision in last + 1 - entry.revisions()..=*last {
            if let Some(other) = line.committed.insert(revision, entry) {
                self.errors.push(format!("two writes have revision {revision}: {other:?} and {entry:?}"));
            }
        }
    }

    fn walk(&mut self, line: &Line<'_>, mut seen: Vec<Sight>, unknown: &[&Entry]) {
        seen.sort_by_key(|sight| sight.revision);
        let mut seen = seen.into_iter().peekable();
        let mut walk = Walk { line, unknown, used: HashSet::new(), known: HashMap::new() };
        for (revision, entry) in &line.committed {
            while let Some(sight) = seen.next_if(|sight| sight.revision < *revision) {
                self.errors.extend(walk.see(&sight).err());
                self.sights += 1;
            }
            self.errors.extend(walk.step(*revision, entry).err());
        }
        for sight in seen {
            self.errors.extend(walk.see(&sight).err());
            self.sights += 1;
        }
        self.surfaced = walk.used.iter().map(|(index, _)| index).collect::<HashSet<_>>().len();
        let (holes, most) = (line.holes(), unknown.iter().map(|entry| entry.revisions()).sum());
        if holes > most {
            self.errors.push(format!("{holes} revisions are nobody's, of {most} the writes are unknown"));
        }
    }
}

impl Line<'_> {
    /// The last revision of the life before the life of this revision.
    fn floor(&self, revision: u64) -> Option<u64> {
        self.wiped.iter().copied().filter(|last| *last < revision).max()
    }

    /// Number of revisions without a committed write, between those with one.
    fn holes(&self) -> u64 {
        let revisions: Vec<_> = self.committed.keys().copied().collect();
        let holes = revisions.windows(2).filter(|pair| self.floor(pair[0]) == self.floor(pair[1]));
        holes.map(|pair| pair[1] - pair[0] - 1).sum()
    }
}

/// A walk through a line, revision by revision.
struct Walk<'a> {
    line: &'a Line<'a>,
    unknown: &'a [&'a Entry],
    /// Entries that were used as explanations, with the key that each explained. A reset may explain something for each
    /// key.
    used: HashSet<(usize, &'static str)>,
    /// The known state of each key, and the revision at which it is known.
    known: HashMap<&'static str, (u64, State)>,
}

impl Walk<'_> {
    fn step(&mut self, revision: u64, entry: &Entry) -> Result<(), String> {
        if let Action::Bulk(_) = entry.action {
            return Ok(());
        }
        if entry.action == Action::Reset {
            // A key that is unknown here was always missing.
            self.known.values_mut().for_each(|known| *known = (revision, None));
            return Ok(());
        }
        let before = if let Outcome::Committed { before, .. } = &entry.outcome { before } else { &None };
        let explained = self.explain(entry.key, (revision - 1, revision), before, entry.ended);
        self.known.insert(entry.key, (revision, entry.action.apply(before)));
        explained.map_err(|error| format!("{error}; told by {entry:?}"))
    }

    fn see(&mut self, sight: &Sight) -> Result<(), String> {
        let explained = self.explain(sight.key, (sight.revision, sight.revision), &sight.state, sight.at);
        self.known.insert(sight.key, (sight.revision, sight.state.clone()));
        explained.map_err(|error| format!("{error}; told by {sight:?}"))
    }

    /// True if a key can have had this state at a revision, in the life of the hash to which another revision belongs.
    fn explain(
        &mut self,
        key: &'static str,
        (revision, life): (u64, u64),
        state: &State,
        seen: Instant,
    ) -> Result<(), String> {
        let missing = (0, None);
        let (mut since, mut from) = self.known.get(key).unwrap_or(&missing).clone();
        if let Some(floor) = self.line.floor(life)
            && floor >= since
        {
            (since, from) = (floor, None);
        }
        let committed =
            self.line.committed.range((Excluded(since), Included(revision.max(since)))).count() as u64;
        let mut holes = revision.saturating_sub(since).saturating_sub(committed);
        let mut state = state.clone();
        // Walks backwards from the seen state to the known state.
        while state != from {
            let told =
                || format!("{key} held {state:?} at {revision}, but {from:?} at {since}, {holes} holes left");
            let possible = (0..self.unknown.len())
                .filter(|index| !self.used.contains(&(*index, key)))
                .find_map(|index| {
                    let entry = self.unknown[index];
                    let before = (entry.concerns(key) && entry.started <= seen)
                        .then(|| undo(&entry.action, &state, &from));
                    before.flatten().map(|before| (index, before))
                });
            let (Some((index, before)), true) = (possible, holes > 0) else { return Err(told()) };
            self.used.insert((index, key));
            holes -= 1;
            state = before;
        }
        Ok(())
    }
}

/// The possible state of a key before a write that led to this state. Returns `from` if any state is possible.
fn undo(action: &Action, state: &State, from: &State) -> Option<State> {
    match action {
        Action::Set(value) => (state.as_deref() == Some(value)).then(|| from.clone()),
        Action::Delete | Action::Reset => state.is_none().then(|| from.clone()),
        Action::Bulk(_) => None,
        Action::Inc => {
            let sum: i64 = state.as_ref()?.parse().ok()?;
            Some((sum > 1).then(|| (sum - 1).to_string().into()))
        }
        Action::Append(item) => {
            let text = state.as_deref()?;
            if text == format!("[\"{item}\"]") {
                return Some(None);
            }
            text.strip_suffix(&format!(",\"{item}\"]")).map(|rest| Some(format!("{rest}]").into()))
        }
    }
}
