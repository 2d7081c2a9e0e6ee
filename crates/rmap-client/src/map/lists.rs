//! Writes of list values: JSON arrays of strings.

use rmap_proto::{Key, KeyOperation, Operation, list};

use super::Map;
use crate::Error;
use crate::written::{Appended, Removed};

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
    pub async fn append_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Result<Appended, Error> {
        let (key, items) = self.items(key.as_ref(), items)?;
        self.append(Operation::Key(KeyOperation::AppendValues { key, items })).await
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
    pub async fn append_unique_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Result<Appended, Error> {
        let (key, items) = self.items(key.as_ref(), items)?;
        self.append(Operation::Key(KeyOperation::AppendUniqueValues { key, items })).await
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
    pub async fn remove_values<I: Into<String>>(
        &self,
        key: impl AsRef<[u8]>,
        items: impl IntoIterator<Item = I>,
    ) -> Result<Removed, Error> {
        let (key, items) = self.items(key.as_ref(), items)?;
        let Appended { values, applied, revision } =
            self.append(Operation::Key(KeyOperation::RemoveValues { key, items })).await?;
        Ok(Removed { values, applied, revision })
    }

    async fn append(&self, operation: Operation) -> Result<Appended, Error> {
        let (name, written) = (operation.name(), self.write(operation).await?);
        let values = match written.value {
            None => Vec::new(),
            Some(value) => list::parse(&value).map_err(|_| self.unexpected(name))?,
        };
        Ok(Appended { values, applied: written.applied, revision: written.revision })
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
