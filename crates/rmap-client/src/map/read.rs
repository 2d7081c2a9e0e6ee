//! Local reads. None of them touches the network, blocks or fails, and all work on a closed map.

use std::time::Duration;

use rmap_core::{Value, View};
use rmap_proto::list::{self, NotAList};
use rmap_proto::{Key, Revision};

use super::Map;
use crate::Error;

impl Map {
    /// Returns the value of a key; `None` when the key is missing. The value shares the stored bytes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// map.set_and_wait("theme", "dark").await?;
    /// assert_eq!(map.get("theme").unwrap(), "dark");
    /// assert!(map.get("font").is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.reader.get(key.as_ref())
    }

    /// Calls `read` with the value of a key and returns what it returns; `None` when the key is missing.
    ///
    /// A part of the map is locked meanwhile: `read` should be short, and must not use any map.
    pub fn with<R>(&self, key: impl AsRef<[u8]>, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.reader.with(key.as_ref(), read)
    }

    /// The items of a list value; `None` when the key is missing.
    ///
    /// Text that does not begin like JSON counts as a list of items separated by commas.
    ///
    /// # Errors
    ///
    /// [`NotAList`] when the value is not UTF-8, or begins like JSON but is not an array of strings.
    #[must_use]
    pub fn get_values(&self, key: impl AsRef<[u8]>) -> Option<Result<Vec<String>, NotAList>> {
        self.get(key).map(|value| list::parse(value.as_bytes()))
    }

    /// True when the key has a value.
    #[must_use]
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.0.reader.contains(key.as_ref())
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.reader.len()
    }

    /// True when there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.reader.is_empty()
    }

    /// The keys at this moment, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        self.view().keys().map(Key::from).collect()
    }

    /// The revision of the local content; `None` when the server has no hash for the map.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.0.reader.revision()
    }

    /// A view of all keys and values at one revision. A view never changes, and costs little to make and to clone.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.reader.view()
    }

    /// Returns the map if its staleness is at most `bound`, for reads that would rather fail than be stale.
    ///
    /// A live map gets a proof with every probe (every 5 seconds unless set otherwise), so shorter bounds fail now
    /// and then; [`sync`](Self::sync) gets a proof at once.
    ///
    /// Time during which the computer slept counts. After a sleep of a second or more, only a proof that was
    /// requested afterwards counts, whatever the bound; the map requests one within a second.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`], with the staleness, when it exceeds the bound or the computer has slept since the last
    /// proof.
    pub fn fresh(&self, bound: Duration) -> Result<&Self, Error> {
        let fresh_at = self.0.status.borrow().fresh_at;
        self.is_fresh(fresh_at, bound).map(|()| self)
    }

    /// True if content with its last proof at this time is fresh enough.
    pub(crate) fn is_fresh(&self, fresh_at: Option<Duration>, bound: Duration) -> Result<(), Error> {
        let clock = self.0.client.clock();
        // Reading the clock notices a jump, so the jump is asked for second.
        let (now, jumped_at) = (clock.now(), clock.jumped_at());
        let staleness = fresh_at.map(|fresh_at| now.saturating_sub(fresh_at));
        let slept = fresh_at.is_some_and(|fresh_at| fresh_at < jumped_at);
        match staleness {
            Some(staleness) if staleness <= bound && !slept => Ok(()),
            _ => Err(Error::Stale { map: self.name().clone(), staleness, bound, slept }),
        }
    }
}
