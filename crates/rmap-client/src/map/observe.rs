//! Streams of events, changes and statuses. None of them keeps the map open or makes it wait.

use rmap_core::View;
use tokio::sync::oneshot;

use super::Map;
use crate::Error;
use crate::changes::{Changes, PrefixChanges};
use crate::events::{Events, Strongest};
use crate::status::StatusChanges;
use crate::watch::Watch;

impl Map {
    /// Emits an event after changes, with its strongest kind, as a [`Stream`](futures_core::Stream).
    ///
    /// Every change after this call leads to an event; several changes may share one.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        Events(self.0.outlets.events.add(Strongest::begin))
    }

    /// Yields every net change (key, old and new value, revision) as a [`Stream`](futures_core::Stream).
    ///
    /// The stream starts at the content that the map has when its task handles this call. It includes every write
    /// after this call, and possibly writes just before. To know the content at the start, use
    /// [`view_and_changes`](Self::view_and_changes).
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.observe(None)
    }

    /// Returns a view, and the stream of all changes after it. Applying changes to the view gives the later content.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the stream.
    pub async fn view_and_changes(&self) -> (View, Changes) {
        let (sender, receiver) = oneshot::channel();
        let changes = self.observe(Some(sender));
        // Without the driver the content is final, and the stream has ended.
        let view = receiver.await.unwrap_or_else(|_| self.view());
        (view, changes)
    }

    /// Watches one key: a receiver of its latest value, and a [`Stream`](futures_core::Stream) of all later ones, coalesced.
    ///
    /// Any number of watches costs a change of another key one lookup.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("limits").join().await?;
    /// let mut limit = map.watch("requests-per-second");
    /// let task = tokio::spawn(async move {
    ///     // First what the key holds now, then every later value; the end when the map closes.
    ///     while let Some(value) = limit.next().await {
    ///         println!("limit: {value:?}");
    ///     }
    /// });
    /// map.close().await;
    /// task.await.unwrap();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch(&self, key: impl AsRef<[u8]>) -> Watch {
        let watch = self.0.outlets.watchers.watch(key.as_ref());
        Watch::new(self.name().clone(), self.0.reader.clone(), watch)
    }

    /// The keys that begin with `prefix`, as a [`Stream`](futures_core::Stream): first their values at one revision,
    /// then every later net change.
    ///
    /// The start visits every key of the map, O(n). Afterwards each change of the map wakes the reader, whatever its
    /// key, and counts as unread until then. For a single key use [`watch`](Self::watch), which is not woken by other
    /// keys.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("services").join().await?;
    /// map.set("web/1", "10.0.0.1").visible().await?;
    /// let mut web = map.watch_prefix("web/");
    /// assert_eq!(web.begin().await, 1);
    /// let there = web.next().await.unwrap();
    /// assert_eq!((there.old, there.new.unwrap()), (None, "10.0.0.1".into()));
    /// map.set("db/1", "10.0.0.2").await?;
    /// map.delete("web/1").await?;
    /// assert_eq!(web.next().await.unwrap().new, None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch_prefix(&self, prefix: impl AsRef<[u8]>) -> PrefixChanges {
        let (sender, receiver) = oneshot::channel();
        let changes = self.observe(Some(sender));
        PrefixChanges::new(prefix.as_ref(), changes, receiver, self.0.reader.clone())
    }

    /// Waits until `holds` returns true for a view of the map, and returns that view.
    ///
    /// `holds` gets the current view first, then a new one after changes; it may miss values that come and go between
    /// two views. There is no time limit: wrap the call in [`tokio::time::timeout`] where one is needed. For a single
    /// key [`watch`](Self::watch) is cheaper, because each view makes the map copy the parts that change afterwards.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("workers").join().await?;
    /// # map.batch().set("a", "ready").set("b", "ready").commit().await?;
    /// let view = map.wait_until(|view| view.len() >= 2).await?;
    /// assert_eq!(view.get("a").unwrap(), "ready");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map is closed and `holds` returned false for its last content.
    ///
    /// # Panics
    ///
    /// Panics when `holds` does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_until(&self, mut holds: impl FnMut(&View) -> bool) -> Result<View, Error> {
        // Both streams start before the first view, so no change falls in between. An event follows every changed
        // entry, and `progress` moves when only the revision changes.
        let (mut events, mut progress) = (self.subscribe(), self.0.progress.clone());
        let mut ended = false;
        loop {
            progress.borrow_and_update();
            let view = self.view();
            if holds(&view) {
                return Ok(view);
            }
            if ended {
                return Err(self.closed());
            }
            drop(view);
            ended = tokio::select! {
                event = events.next() => event.is_none(),
                changed = progress.changed() => changed.is_err(),
            };
        }
    }

    /// Yields the map's current status, then its status after every change, as a [`Stream`](futures_core::Stream).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// let mut statuses = map.status_changes();
    /// let status = statuses.next().await.unwrap();
    /// assert!(status.is_live());
    /// println!("{status}");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status_changes(&self) -> StatusChanges {
        StatusChanges(self.0.outlets.statuses.add(|latest, stream| latest.begin(stream, self.status())))
    }

    fn observe(&self, view: Option<oneshot::Sender<View>>) -> Changes {
        let stream = self.0.outlets.changes.add(|log, stream| log.ask(stream, view));
        // Without the driver the stream has ended.
        self.0.asker.observe();
        Changes(stream)
    }
}
