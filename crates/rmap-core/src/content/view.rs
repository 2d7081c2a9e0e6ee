//! An immutable state of the content.

use std::fmt;
use std::sync::Arc;

use rmap_proto::Revision;

use super::table::Table;
use crate::{KeyRef, Value};

/// What the map held at one revision. It never changes; a clone shares it.
#[derive(Clone)]
pub struct View(Arc<Inner>);

struct Inner {
    table: Table,
    revision: Option<Revision>,
    len: usize,
}

impl View {
    pub(super) fn new(table: Table, revision: Option<Revision>) -> Self {
        let len = table.len();
        Self(Arc::new(Inner { table, revision, len }))
    }

    /// The revision of this state; `None`: the server had no hash for the map.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.0.revision
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// True when there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Value> {
        self.0.table.get(key.as_ref())
    }

    /// True when the key has a value.
    #[must_use]
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.get(key).is_some()
    }

    /// Keys and values, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRef<'_>, &Value)> {
        self.0.table.iter().map(|value| (KeyRef::new(value.key()), value))
    }

    /// The keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = KeyRef<'_>> {
        self.iter().map(|(key, _)| key)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("revision", &self.0.revision).field("len", &self.0.len).finish()
    }
}
