//! What happened, as a table.

use std::collections::BTreeMap;
use std::fs;

use crate::ledger::{Entry, Outcome};

/// The first word that tells outcomes apart.
fn kind(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed { .. } => "committed".to_owned(),
        Outcome::NotApplied { .. } => "not applied".to_owned(),
        Outcome::Indeterminate => "indeterminate".to_owned(),
        Outcome::Rejected(rmap_client::Error::Rejected { cause, .. }) => format!("rejected, {}", cause.code),
        Outcome::Rejected(_) => "rejected, not sent".to_owned(),
    }
}

pub(crate) fn writes(entries: &[Entry]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        *counts.entry(kind(&entry.outcome)).or_default() += 1;
    }
    counts
}

pub(crate) fn print<K: AsRef<str>>(title: &str, counts: impl IntoIterator<Item = (K, u64)>) {
    println!("{title}");
    for (name, count) in counts {
        println!("  {:<28}{count:>9}", name.as_ref());
    }
}

/// Resident memory of this process in KiB, where the system tells it.
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}
