//! Every net change of a map, as a stream that never has a hole and never grows without bound.

mod log;
mod prefix;

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::Change;

pub(crate) use self::log::Log;
pub use self::prefix::PrefixChanges;
use crate::feed::FeedStream;

/// Stream of changes, from [`Map::changes`](crate::Map::changes) and
/// [`Map::view_and_changes`](crate::Map::view_and_changes).
///
/// A reader that keeps pace sees every change that the replica applied, in order, also one that sets a key to the value
/// that it has. Across a resync, and when the hash begins anew, it sees the difference between the content before and
/// after, in no particular order. Of a large map that difference comes in parts, while the map already shows the content
/// after: changes of later writes come between them, those of one key always in order.
///
/// When more changes are unread than the map's [settings](crate::MapSettings::unread_changes) say, or than all streams of the client may
/// keep [together](crate::ClientBuilder::unread_changes_in_sum), the oldest of them are folded: those of one key become their net
/// difference (the old value of the first, the new value and the revision of the last; nothing when both are equal). So no
/// key is ever missed. Applying all changes to the content at the start of the stream always gives the content that the
/// map has.
///
/// What is unread is kept once for all streams of a map. Changes of one key are not folded where another stream has read one
/// of them and not the other.
///
/// The stream ends when the map closes, after its last change. Once it is dropped, the next change is the last that is
/// recorded.
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
