//! Streams of what happens to a map. None of them keeps the map open or makes it wait.

use rmap_core::View;
use tokio::sync::oneshot;

use super::Map;
use crate::changes::Changes;
use crate::events::{Events, Strongest};
use crate::status::StatusChanges;

impl Map {
    /// Tells that something changed, and how strongly, as a [`Stream`](futures_core::Stream).
    ///
    /// Every change after this call leads to an event; several may share one.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        Events(self.0.outlets.events.add(Strongest::begin))
    }

    /// Tells every net change: key, old and new value, revision, as a [`Stream`](futures_core::Stream).
    ///
    /// The stream begins with the content of the moment at which the map's task takes the request up. What is written
    /// after this call is in it; what was written just before may be. To know the content at its start exactly, use
    /// [`view_and_changes`](Self::view_and_changes).
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.observe(None)
    }

    /// A view, and the stream of all changes since: applied to the view they give the content of any later moment.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the observation.
    pub async fn view_and_changes(&self) -> (View, Changes) {
        let (sender, receiver) = oneshot::channel();
        let changes = self.observe(Some(sender));
        // Without the driver the content is final, and the stream has ended.
        let view = receiver.await.unwrap_or_else(|_| self.view());
        (view, changes)
    }

    /// The map's status at this moment and after every change of it, as a [`Stream`](futures_core::Stream).
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
