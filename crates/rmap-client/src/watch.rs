//! The latest value of one key, for readers that need nothing else of a map.

mod watchers;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::{Reader, Value};
use rmap_proto::MapName;

pub(crate) use self::watchers::{KeyWatch, KeyWatchers};
use crate::Error;

/// The latest value of one key, from [`Map::watch`](crate::Map::watch). It works like the receiver of a
/// [`tokio::sync::watch`] channel.
///
/// The **seen** value is the one that the receiver last returned; at first it is the value that the key had when the
/// watch began. [`changed`](Self::changed) waits until the key holds something else. The watch may skip values that
/// came and went between two calls, but never the last one. It never shows the same value twice in a row, not even
/// when somebody set the key to the value that it had.
///
/// As a [`Stream`] it yields the current value, then each later one. A missing key is `None`.
///
/// A watch reads the map itself, so it is never behind [`Map::get`](crate::Map::get). It does not keep the map open.
/// When the map closes, it shows the last value, and then it ends.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let mut theme = map.watch("theme");
/// assert_eq!(theme.borrow(), None);
/// map.set("theme", "dark").await?;
/// assert_eq!(theme.changed().await?.unwrap(), "dark");
/// # Ok(())
/// # }
/// ```
pub struct Watch {
    map: MapName,
    reader: Reader,
    watch: KeyWatch,
    seen: Option<Value>,
    /// True after the stream has yielded its first value.
    begun: bool,
}

impl Watch {
    pub(crate) fn new(map: MapName, reader: Reader, watch: KeyWatch) -> Self {
        let seen = reader.get(watch.key());
        Self { map, reader, watch, seen, begun: false }
    }

    /// The bytes of the key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.watch.key()
    }

    /// Returns the current value, without marking it as seen; `None` when the key is missing.
    #[must_use]
    pub fn borrow(&self) -> Option<Value> {
        self.reader.get(self.key())
    }

    /// Returns the current value and marks it as seen; `None` when the key is missing.
    #[must_use]
    pub fn borrow_and_update(&mut self) -> Option<Value> {
        self.begun = true;
        self.seen = self.borrow();
        self.seen.clone()
    }

    /// True when the current value differs from the seen one.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.borrow() != self.seen
    }

    /// Waits until the value differs from the seen one, returns it and marks it as seen; `None` when the key was
    /// deleted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// # let mut theme = map.watch("theme");
    /// # map.set("theme", "dark").await?;
    /// if let Some(value) = theme.changed().await? {
    ///     assert_eq!(value, "dark");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map is closed and its last value was seen.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no value.
    pub async fn changed(&mut self) -> Result<Option<Value>, Error> {
        let changed = poll_fn(|context| self.poll_changed(context)).await;
        changed.ok_or_else(|| Error::Closed { map: self.map.clone() })
    }

    /// Returns the current value at first, then waits for [`changed`](Self::changed). The outer value is `None` after
    /// the map has closed, the inner one when the key is missing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no value.
    pub async fn next(&mut self) -> Option<Option<Value>> {
        poll_fn(|context| self.poll_value(context)).await
    }

    fn poll_changed(&mut self, context: &Context<'_>) -> Poll<Option<Option<Value>>> {
        let Self { reader, watch, seen, begun, .. } = self;
        let newer = || {
            let value = reader.get(watch.key());
            (value != *seen).then_some(value)
        };
        let polled = watch.poll(context, newer);
        if let Poll::Ready(Some(value)) = &polled {
            *begun = true;
            seen.clone_from(value);
        }
        polled
    }

    fn poll_value(&mut self, context: &Context<'_>) -> Poll<Option<Option<Value>>> {
        if self.begun { self.poll_changed(context) } else { Poll::Ready(Some(self.borrow_and_update())) }
    }
}

impl Stream for Watch {
    type Item = Option<Value>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_value(context)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("map", &self.map).field("watch", &self.watch).finish_non_exhaustive()
    }
}
