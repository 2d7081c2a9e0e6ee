//! Every net change of a map, as a stream without holes and of bounded size.

mod log;
mod prefix;

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::Change;

pub(crate) use self::log::{Item, Log, Mark};
pub use self::prefix::PrefixChanges;
use crate::feed::FeedStream;

/// Stream of changes, from [`Map::changes`](crate::Map::changes) and
/// [`Map::view_and_changes`](crate::Map::view_and_changes).
///
/// A reader that keeps pace sees every change that the replica applied, in order, also one that sets a key to the
/// value that it has. A resync, or a new life of the hash, appears as the changes between the old and the new
/// content, in no particular order. For a large map these changes come in parts, while the map already shows the new
/// content. Changes of later writes may come in between, but changes of one key are always in order.
///
/// The backlog is bounded for each map by its [settings](crate::MapSettings::unread_changes), and for the client by
/// [a sum](crate::ClientBuilder::unread_changes_in_sum). Beyond a bound the stream **folds** its oldest changes: it
/// merges changes of the same key into their net change (the old value of the first, the new value and the revision
/// of the last; nothing when both values are equal). So no key is ever missed. Applying all changes to the content at
/// the start of the stream always gives the content of the map.
///
/// All streams of a map share one backlog. Two changes of one key are not folded when another stream has read only
/// the first of them.
///
/// The stream ends when the map closes, after its last change. After the stream is dropped, recording stops at the
/// next change.
#[derive(Debug)]
pub struct Changes(pub(crate) FeedStream<Log>);

impl Changes {
    /// Waits for the next change; `None` once the map is closed and the last change was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<Change> {
        self.0.next().await
    }
}

impl Stream for Changes {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
