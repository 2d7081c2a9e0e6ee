//! Counts of what histories did and reached, and the list of what they must reach.

use std::collections::BTreeMap;
use std::fmt;

use rmap_core::{Disposition, EventKind, Failure, Phase, Reason, Request, Unproven, Verified, Wait};

use crate::fault::{Action, Blur, Chance};

/// A counted thing: its sort, and its name within the sort.
pub(crate) type What = (&'static str, &'static str);

/// Number of occurrences of each thing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) histories: u64,
    pub(crate) steps: u64,
    /// Longest time from the last fault until everything was right, in milliseconds.
    pub(crate) slowest: u64,
    counts: BTreeMap<What, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, sort: &'static str, name: &'static str) {
        *self.counts.entry((sort, name)).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        self.slowest = self.slowest.max(other.slowest);
        for (what, count) in &other.counts {
            *self.counts.entry(*what).or_default() += count;
        }
    }

    pub(crate) fn has(&self, what: What) -> bool {
        self.counts.contains_key(&what)
    }

    /// Everything that the swarm should have reached and did not.
    pub(crate) fn missing(&self) -> Vec<What> {
        listed().filter(|what| !self.has(*what)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, steps, slowest, .. } = self;
        writeln!(f, "{histories} histories, {steps} steps; all right at most {slowest} ms after the faults")?;
        self.counts
            .iter()
            .try_for_each(|((sort, name), count)| writeln!(f, "  {count:>9} {sort}: {name}"))?;
        match self.missing() {
            missing if missing.is_empty() => f.write_str("no seed left out anything that is listed"),
            missing => write!(f, "reached by no seed: {missing:?}"),
        }
    }
}

/// Everything that some seed of the swarm must reach: each fault, and each answer of the replica.
fn listed() -> impl Iterator<Item = What> {
    let actions = Action::ROWS.iter().map(|row| ("step", row.name, row.blur));
    let chances = Chance::ROWS.iter().map(|row| ("chance", row.name, row.blur));
    let decided = actions.chain(chances).filter(|(_, _, blur)| *blur < Blur::States);
    let answers = ANSWERS.iter().flat_map(|(sort, names)| names.iter().map(|name| (*sort, *name)));
    decided.map(|(sort, name, _)| (sort, name)).chain(answers)
}

/// Ends of stored contents that the histories of restarts reach.
pub(crate) const STORED: &[&str] =
    &["shown", "taken", "no proof", "small", "another revision", "may recur", "another server", "overtaken"];

/// The names that the functions below return, as far as the swarm reaches them.
const ANSWERS: &[(&str, &[&str])] = &[
    ("notification", &["applied", "held", "ignored", "gap"]),
    ("event", &["changed", "deleted", "reset"]),
    ("asked", &["snapshot", "probe", "page", "new connections"]),
    ("phase", &["joining", "live", "resyncing", "disconnected", "kept", "closed"]),
    ("status", &["connected", "in step", "disconnected", "failed", "lost", "no answer", "closed"]),
    (
        "resync",
        &[
            "failed",
            "gap",
            "undecodable",
            "lagged",
            "broken batch",
            "too much held",
            "mismatch",
            "lost",
            "no answer",
        ],
    ),
    ("wait", &["reached", "history broken", "closed"]),
    ("state", &["comparing", "scanning", "failovers cannot be found", "in doubt", "late", "write refused"]),
    ("verification", &["agrees", "refused"]),
];

pub(crate) fn disposition(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Applied => "applied",
        Disposition::Held => "held",
        Disposition::Ignored => "ignored",
        Disposition::Gap => "gap",
        new => unreachable!("name {new:?} here and list it above"),
    }
}

pub(crate) const fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Changed => "changed",
        EventKind::Deleted => "deleted",
        EventKind::Reset => "reset",
    }
}

pub(crate) const fn request(request: Request) -> &'static str {
    match request {
        Request::Snapshot { .. } => "snapshot",
        Request::Probe => "probe",
        Request::Page { .. } => "page",
    }
}

pub(crate) fn verification(outcome: &Result<Verified, Failure>) -> &'static str {
    match outcome {
        Ok(verified) if verified.agrees() => "agrees",
        Ok(_) => "differs",
        Err(_) => "refused",
    }
}

pub(crate) fn unproven(why: &Unproven) -> &'static str {
    match why {
        Unproven::NoProof => "no proof",
        Unproven::Small => "small",
        Unproven::Revision { .. } => "another revision",
        Unproven::Fields { .. } => "another number of fields",
        Unproven::MayRecur => "may recur",
        Unproven::NoRights => "no rights",
        Unproven::ClockWentBack => "the clock went back",
        Unproven::Older => "older",
        Unproven::AnotherServer => "another server",
        Unproven::Overtaken => "overtaken",
        Unproven::Disturbed => "disturbed",
        new => unreachable!("name {new:?} here and list it above"),
    }
}

pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Joining => "joining",
        Phase::Live => "live",
        Phase::Resyncing => "resyncing",
        Phase::Disconnected => "disconnected",
        Phase::Kept => "kept",
        Phase::Closed => "closed",
        new => unreachable!("name {new:?} here and list it above"),
    }
}

pub(crate) fn wait(wait: Wait) -> &'static str {
    match wait {
        Wait::Pending => "pending",
        Wait::Reached => "reached",
        Wait::HistoryBroken => "history broken",
        Wait::Closed => "closed",
        new => unreachable!("name {new:?} here and list it above"),
    }
}

pub(crate) fn reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::Started => "started",
        Reason::Connected => "connected",
        Reason::InStep => "in step",
        Reason::Disconnected(_) => "disconnected",
        Reason::Failed(_) => "failed",
        Reason::Gap { .. } => "gap",
        Reason::Undecodable(_) => "undecodable",
        Reason::Lagged => "lagged",
        Reason::BrokenBatch => "broken batch",
        Reason::TooMuchHeld => "too much held",
        Reason::Mismatch { .. } => "mismatch",
        Reason::Differs => "differs",
        Reason::Lost => "lost",
        Reason::NoAnswer => "no answer",
        Reason::Failover => "failover",
        Reason::Closed => "closed",
        new => unreachable!("name {new:?} here and list it above"),
    }
}
