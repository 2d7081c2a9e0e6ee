//! The ledger of every write and its outcome.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rmap_client::Error;

/// The value of a key, or `None` for a missing key. Shared, since a long run sees the same states over and over.
pub(crate) type State = Option<Arc<str>>;

/// A write that changes one key, all keys, or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Set(String),
    Delete,
    Inc,
    Append(String),
    Reset,
    /// Many writes one after the other, of keys outside of the ledger.
    Bulk(u64),
}

impl Action {
    /// The state of the key afterwards.
    pub(crate) fn apply(&self, before: &State) -> State {
        match self {
            Self::Set(value) => Some(value.as_str().into()),
            Self::Delete | Self::Reset | Self::Bulk(_) => None,
            Self::Inc => {
                let sum = before.as_ref().map_or(0, |text| text.parse::<i64>().unwrap_or(i64::MIN)) + 1;
                Some(sum.to_string().into())
            }
            Self::Append(item) => Some(match before {
                None => list(std::slice::from_ref(item)),
                Some(text) => format!("{},\"{item}\"]", text.trim_end_matches(']')).into(),
            }),
        }
    }
}

/// A list of plain items in its stored form.
pub(crate) fn list(items: &[String]) -> Arc<str> {
    let items: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", items.join(",")).into()
}

/// The outcome of a write that was not rejected. A rejected write that was carried out all the same would show up as a
/// value that nobody wrote.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Committed {
        revision: u64,
        /// The key's previous state. Meaningless for a reset.
        before: State,
    },
    /// The condition did not hold.
    NotApplied {
        /// The key's state, and its revision. `None` without a hash.
        found: Option<(u64, State)>,
    },
    Indeterminate,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Meaningless for a reset.
    pub(crate) key: &'static str,
    pub(crate) action: Action,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
    pub(crate) outcome: Outcome,
}

impl Entry {
    /// True if the write may change this key.
    pub(crate) fn concerns(&self, key: &str) -> bool {
        self.action == Action::Reset || self.key == key
    }

    /// Number of revisions that the write takes.
    pub(crate) const fn revisions(&self) -> u64 {
        match self.action {
            Action::Bulk(count) => count,
            Action::Set(_) | Action::Delete | Action::Inc | Action::Append(_) | Action::Reset => 1,
        }
    }
}

/// The state of one key in a view.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// The moment after the view was taken.
    pub(crate) at: Instant,
    /// The content is known to be the server's at this time or later.
    pub(crate) proven: Instant,
    pub(crate) revision: u64,
    pub(crate) key: &'static str,
    pub(crate) state: State,
}

/// All writes of all clients in the order in which they ended, and all sights.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Vec<Entry>>,
    sights: Mutex<Vec<Sight>>,
    counts: Mutex<BTreeMap<String, u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    pub(crate) fn write(&self, entry: Entry) {
        self.count(match entry.outcome {
            Outcome::Committed { .. } => "committed",
            Outcome::NotApplied { .. } => "not applied",
            Outcome::Indeterminate => "indeterminate",
        });
        lock(&self.entries).push(entry);
    }

    pub(crate) fn reject(&self, error: &Error) {
        if let Error::Rejected { cause, .. } = error {
            self.count(&format!("rejected, {}", cause.code));
        } else {
            self.count("rejected, not sent");
        }
    }

    pub(crate) fn see(&self, sights: impl IntoIterator<Item = Sight>) {
        lock(&self.sights).extend(sights);
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    pub(crate) fn take(&self) -> (Vec<Entry>, Vec<Sight>) {
        (std::mem::take(&mut *lock(&self.entries)), std::mem::take(&mut *lock(&self.sights)))
    }

    fn count(&self, outcome: &str) {
        let mut counts = lock(&self.counts);
        match counts.get_mut(outcome) {
            Some(count) => *count += 1,
            None => {
                counts.insert(outcome.to_owned(), 1);
            }
        }
    }
}
