//! Immutable views of the content.

use std::fmt;
use std::sync::Arc;

use rmap_proto::Revision;

use super::table::{Table, TableIter};
use crate::{KeyRef, Value};

/// The content of the map at one revision. A view never changes, and clones share it.
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

    /// The revision of this content, or `None` when the server had no hash for the map.
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

    /// Iterates over keys and values, in no particular order. `for (key, value) in &view` does the same.
    pub fn iter(&self) -> ViewIter<'_> {
        ViewIter { entries: self.0.table.iter(), left: self.0.len }
    }

    /// Iterates over the keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = KeyRef<'_>> {
        self.iter().map(|(key, _)| key)
    }

    /// Iterates over the keys that begin with `prefix` and their values, in no particular order.
    ///
    /// A view has no order of keys, so the iteration looks at every key: O(n) for a map of n keys, whatever the prefix.
    ///
    /// ```
    /// # use rmap_core::View;
    /// fn services(view: &View) -> usize {
    ///     view.prefix("service/").count()
    /// }
    /// ```
    pub fn prefix<P: AsRef<[u8]>>(
        &self,
        prefix: P,
    ) -> impl Iterator<Item = (KeyRef<'_>, &Value)> + use<'_, P> {
        self.iter().filter(move |(key, _)| key.as_bytes().starts_with(prefix.as_ref()))
    }

    /// All keys and values, in the order of the keys' bytes.
    ///
    /// A view keeps no order. Each call collects all n entries, O(n), and sorts them, O(n log n) comparisons of keys.
    ///
    /// ```
    /// # use rmap_core::View;
    /// fn show(view: &View) {
    ///     for (key, value) in view.sorted() {
    ///         println!("{key}: {} bytes", value.len());
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn sorted(&self) -> Vec<(KeyRef<'_>, &Value)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }
}

impl<'a> IntoIterator for &'a View {
    type Item = (KeyRef<'a>, &'a Value);
    type IntoIter = ViewIter<'a>;

    fn into_iter(self) -> ViewIter<'a> {
        self.iter()
    }
}

/// Iterator over keys and values of a [`View`], in no particular order.
#[derive(Clone)]
pub struct ViewIter<'a> {
    entries: TableIter<'a>,
    left: usize,
}

impl<'a> Iterator for ViewIter<'a> {
    type Item = (KeyRef<'a>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.entries.next()?;
        self.left -= 1;
        Some((KeyRef::new(value.key()), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ViewIter<'_> {}

impl fmt::Debug for ViewIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewIter").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Serializes the revision and the entries, sorted by key: `{"revision":7,"entries":[{"key":"a","value":"1"}]}`. A key
/// or a value that is not UTF-8 appears in hexadecimal under `key_hex` or `value_hex`.
#[cfg(feature = "serde")]
impl serde::Serialize for View {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let entries: Vec<_> = self.sorted().into_iter().map(|(key, value)| Entry { key, value }).collect();
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("revision", &self.0.revision)?;
        object.serialize_entry("entries", &entries)?;
        object.end()
    }
}

#[cfg(feature = "serde")]
struct Entry<'a> {
    key: KeyRef<'a>,
    value: &'a Value,
}

#[cfg(feature = "serde")]
impl serde::Serialize for Entry<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let mut object = serializer.serialize_map(Some(2))?;
        crate::serialize::bytes(&mut object, ["key", "key_hex"], Some(self.key.as_bytes()))?;
        crate::serialize::bytes(&mut object, ["value", "value_hex"], Some(self.value))?;
        object.end()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("revision", &self.0.revision).field("len", &self.0.len).finish()
    }
}
