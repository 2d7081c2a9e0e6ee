//! Writes of list values: JSON arrays of strings.

use rmap_proto::{Key, KeyOperation};

use super::Map;
use super::kind;
use super::writing::Writing;
use crate::Error;

/// Without items these return the current list, and nothing changes.
impl Map {
    /// Appends items to a list; a missing key is an empty list.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes); [`Error::NotAList`]; [`Error::ListTooLong`].
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
    pub fn append_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Writing<kind::Append> {
        let items = self.items(key.as_ref(), items);
        self.write_key(items.map(|(key, items)| KeyOperation::AppendValues { key, items }))
    }

    /// Appends those items to a list that are not in it yet; a missing key is an empty list.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes); [`Error::NotAList`]; [`Error::ListTooLong`].
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
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
    /// Those of [all writes](Map#writes); [`Error::NotAList`].
    ///
    /// # Cancel safety
    ///
    /// That of [all writes](Map#writes).
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
