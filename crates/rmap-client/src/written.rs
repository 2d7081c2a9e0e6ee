//! The results of writes.

use std::fmt;

use rmap_core::Value;
use rmap_proto::{MapName, Revision};

use crate::Error;

/// A write that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The revision that the write made.
    pub revision: Revision,
    /// The old value; `None` when the key was missing.
    pub previous: Option<Value>,
}

/// The outcome of a write with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// True when the condition held and the write was committed. The server decided this.
    pub applied: bool,
    /// The revision at which the server decided. If the write was applied, it made this revision. `None`: the server
    /// has no hash for the map.
    pub revision: Option<Revision>,
    /// The value of the key at the decision. `None` when the key was missing, and for writes that test several keys.
    pub previous: Option<Value>,
    /// Map and operation, for the error of [`Attempt::require`].
    pub(crate) origin: Origin,
}

impl Attempt {
    /// True when the key had a value at the decision.
    #[must_use]
    pub const fn existed(&self) -> bool {
        self.previous.is_some()
    }

    /// Turns an unmet condition into an error, for use with `?`.
    ///
    /// # Errors
    ///
    /// [`Error::NotApplied`] when the write was not applied.
    pub fn require(self) -> Result<Self, Error> {
        if self.applied {
            return Ok(self);
        }
        Err(self.origin.not_applied(self.revision))
    }
}

/// Map and operation that an outcome belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) map: MapName,
    pub(crate) operation: &'static str,
}

impl Origin {
    fn not_applied(self, revision: Option<Revision>) -> Error {
        Error::NotApplied { map: self.map, operation: self.operation, revision }
    }
}

/// A map that was cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleared {
    /// The revision that the write made.
    pub revision: Revision,
}

/// An integer after an addition. Its `Debug` form leaves the sum out.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incremented {
    /// The sum.
    pub value: i64,
    /// The revision that the write made.
    pub revision: Revision,
}

/// A list after items were appended to it. Its `Debug` form has the number of items.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The whole list.
    pub values: Vec<String>,
    /// True when the list changed.
    pub applied: bool,
    /// The revision at which the server decided. `None`: the server has no hash for the map.
    pub revision: Option<Revision>,
}

/// A list after items were removed from it. Its `Debug` form has the number of items.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The remaining list. A list without items is deleted.
    pub values: Vec<String>,
    /// True when something was removed.
    pub applied: bool,
    /// The revision at which the server decided. `None`: the server has no hash for the map.
    pub revision: Option<Revision>,
}

/// The outcome of a [`Batch`](crate::Batch).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batched {
    /// True when every precondition held and all steps were committed. The server decided this.
    pub applied: bool,
    /// The revision at which the server decided: the last one that the batch made, if it changed something. `None`:
    /// the server has no hash for the map.
    pub revision: Option<Revision>,
    /// The number of keys that changed. Each change made one revision.
    pub changed: u32,
    /// Index of the first precondition that did not hold, in the order in which they were given, from 0.
    pub failed: Option<usize>,
    /// The result of each step, in order. Empty when a precondition did not hold.
    pub results: Vec<StepResult>,
    /// Map and operation, for the error of [`Batched::require`].
    pub(crate) origin: Origin,
}

impl Batched {
    /// Turns an unmet precondition into an error, for use with `?`.
    ///
    /// # Errors
    ///
    /// [`Error::NotApplied`] when the batch was not applied.
    pub fn require(self) -> Result<Self, Error> {
        if self.applied {
            return Ok(self);
        }
        Err(self.origin.not_applied(self.revision))
    }
}

/// The outcome of an [update](crate::Map::update).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// map.update("n", |_| Some("1")).visible().await?;
/// let updated = map.update("n", |_| Some("2")).await?;
/// assert_eq!((updated.applied, updated.tries), (true, 1));
/// assert_eq!((updated.previous.unwrap(), updated.value.unwrap()), ("1".into(), "2".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Updated {
    /// True when the key was set or deleted.
    pub applied: bool,
    /// The revision that the write made, or at which the server held what was kept. `None`: the local copy decided that
    /// the key stays as it is, or the server has no hash for the map.
    pub revision: Option<Revision>,
    /// The old value; `None` when the key was missing.
    pub previous: Option<Value>,
    /// The new value; `None` when the key is missing.
    pub value: Option<Value>,
    /// The number of conditional writes that were sent.
    pub tries: u32,
}

/// Keys that were set together, from [`Map::set_many`](crate::Map::set_many).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let done = map.set_many([("a", "1"), ("b", "2"), ("a", "3")]).await?;
/// assert_eq!((done.set, done.batches), (2, 1));
/// map.wait_for(done.revision).await?;
/// assert_eq!(map.get("a").unwrap(), "3");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetMany {
    /// The number of keys that were set.
    pub set: usize,
    /// In how many batches. One batch is atomic.
    pub batches: usize,
    /// The last revision that was made; `None` when there were no entries.
    pub revision: Option<Revision>,
}

/// A map that was made to hold certain entries, from [`Map::load_difference`](crate::Map::load_difference).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// map.set_many([("a", "1"), ("b", "2")]).await?;
/// let loaded = map.load_difference([("a", "1"), ("c", "3")]).await?;
/// assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (1, 1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The number of keys that were set.
    pub set: usize,
    /// The number of keys that were deleted.
    pub deleted: usize,
    /// The number of keys that had their value already.
    pub unchanged: usize,
    /// The revision at which the map held the entries and nothing else; `None`: the server has no hash for the map.
    pub revision: Option<Revision>,
}

/// The result of one step of a [`Batch`](crate::Batch). Its `Debug` form has the number of items of a list, and no
/// sum.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepResult {
    /// A `set` or `delete`, which has no result of its own.
    Done,
    /// The sum of an `inc`.
    Sum(i64),
    /// The list after a list operation.
    List(Vec<String>),
}

impl fmt::Debug for Incremented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incremented").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl fmt::Debug for Appended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_list(f, "Appended", &self.values, self.applied, self.revision)
    }
}

impl fmt::Debug for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_list(f, "Removed", &self.values, self.applied, self.revision)
    }
}

fn debug_list(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    values: &[String],
    applied: bool,
    revision: Option<Revision>,
) -> fmt::Result {
    f.debug_struct(name)
        .field("items", &values.len())
        .field("applied", &applied)
        .field("revision", &revision)
        .finish()
}

impl fmt::Debug for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Sum(_) => f.write_str("Sum"),
            Self::List(items) => write!(f, "List({} items)", items.len()),
        }
    }
}
