//! Writes of list values: JSON arrays of strings.

use rmap_proto::{Key, KeyOperation};

use super::Map;
use super::kind;
use super::writing::Writing;
use crate::Error;

/// These writes change nothing when they get no items, and return the current list.
impl Map {
    /// Appends items to a list; a missing key is an empty list.
    ///
    /// # Errors
    ///
    /// [`Error::NotAList`] when the key holds something else, and [`Error::ListTooLong`] beyond the
    /// [settings](crate::MapSettings::list_items). See [writes](Map#writes) for the errors of every write.
    pub fn append_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Writing<kind::Append> {
        let items = self.items(key.as_ref(), items);
        self.write_key(items.map(|(key, items)| KeyOperation::AppendValues { key, items }))
    }

    /// Appends the items that a list does not have yet; a missing key is an empty list.
    ///
    /// # Errors
    ///
    /// [`Error::NotAList`] when the key holds something else, and [`Error::ListTooLong`] beyond the
    /// [settings](crate::MapSettings::list_items). See [writes](Map#writes) for the errors of every write.
    pub fn append_unique_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Writing<kind::Append> {
        let items = self.items(key.as_ref(), items);
        self.write_key(items.map(|(key, items)| KeyOperation::AppendUniqueValues { key, items }))
    }

    /// Removes every occurrence of the items from a list; a list that becomes empty is deleted.
    ///
    /// # Errors
    ///
    /// [`Error::NotAList`] when the key holds something else. See [writes](Map#writes) for the errors of every write.
    pub fn remove_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Writing<kind::Remove> {
        let items = self.items(key.as_ref(), items);
        self.write_key(items.map(|(key, items)| KeyOperation::RemoveValues { key, items }))
    }

    fn items<I: Into<String>>(
        &self,
        key: &[u8],
        items: impl IntoIterator<Item = I>,
    ) -> Result<(Key, Vec<String>), Error> {
        let key = self.key(key)?;
        let items: Vec<String> = items.into_iter().map(Into::into).collect();
        self.check_length(&key, items.iter().map(String::len).sum())?;
        Ok((key, items))
    }
}
