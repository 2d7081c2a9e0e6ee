//! The changes of those keys that begin with the same bytes, and first what is there.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use rmap_core::{Change, Reader, View};
use rmap_proto::Key;
use tokio::sync::oneshot;

use super::Changes;

/// Changes of other keys that one poll goes through before other tasks get their turn.
const AT_ONCE: usize = 256;

/// Stream of the changes of keys with a common prefix, from [`Map::watch_prefix`](crate::Map::watch_prefix).
///
/// It **begins** with the keys that are there, in the order of their bytes. Each comes as a [`Change`] from no old value, with
/// the revision of the content that they were all read from. Then come all changes since that content, and nothing is
/// missed in between. Applied in order to an empty map, they give what the map holds under the prefix.
///
/// The changes are those of [`Map::changes`](crate::Map::changes), and everything that is said of [`Changes`] is true of
/// them: what is unread is bounded by folding, resyncs appear as their difference, and the stream ends when the map
/// closes, after its last change.
pub struct PrefixChanges {
    prefix: Box<[u8]>,
    beginning: Beginning,
    changes: Changes,
}

enum Beginning {
    /// The map's task has not begun the stream yet.
    Asked {
        view: oneshot::Receiver<View>,
        reader: Reader,
    },
    Begun(VecDeque<Change>),
}

impl PrefixChanges {
    pub(crate) fn new(
        prefix: &[u8],
        changes: Changes,
        view: oneshot::Receiver<View>,
        reader: Reader,
    ) -> Self {
        Self { prefix: prefix.into(), beginning: Beginning::Asked { view, reader }, changes }
    }

    /// The bytes with which the keys begin.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// How many keys of the beginning are unread; `None` before the stream was first polled to its beginning.
    ///
    /// At zero the reader has the whole content of one revision.
    #[must_use]
    pub fn left_of_beginning(&self) -> Option<usize> {
        match &self.beginning {
            Beginning::Asked { .. } => None,
            Beginning::Begun(left) => Some(left.len()),
        }
    }

    /// Waits until the stream has begun, and returns how many keys of the beginning are unread.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn begin(&mut self) -> usize {
        poll_fn(|context| self.poll_begin(context).map(|left| left.len())).await
    }

    /// Waits for the next change; `None` once the map is closed and the last change was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<Change> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll_begin(&mut self, context: &mut Context<'_>) -> Poll<&mut VecDeque<Change>> {
        if let Beginning::Asked { view, reader } = &mut self.beginning {
            // Without the map's task the content is final, and the stream of changes has ended.
            let view = ready!(Pin::new(view).poll(context)).unwrap_or_else(|_| reader.view());
            self.beginning = Beginning::Begun(beginning(&view, &self.prefix));
        }
        match &mut self.beginning {
            Beginning::Begun(left) => Poll::Ready(left),
            Beginning::Asked { .. } => Poll::Pending,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Change>> {
        if let Some(change) = ready!(self.poll_begin(context)).pop_front() {
            return Poll::Ready(Some(change));
        }
        for _ in 0..AT_ONCE {
            match ready!(Pin::new(&mut self.changes).poll_next(context)) {
                Some(change) if !change.key.as_bytes().starts_with(&self.prefix) => {}
                change => return Poll::Ready(change),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What the view holds under the prefix, as changes.
fn beginning(view: &View, prefix: &[u8]) -> VecDeque<Change> {
    let mut entries: Vec<_> = view.prefix(prefix).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    let change = |(key, value): (_, &rmap_core::Value)| Change {
        revision: view.revision(),
        key: Key::from(key),
        old: None,
        new: Some(value.clone()),
    };
    entries.into_iter().map(change).collect()
}

impl Stream for PrefixChanges {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.poll(context)
    }
}

impl fmt::Debug for PrefixChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixChanges")
            .field("prefix", &rmap_proto::Escaped(&self.prefix))
            .field("left_of_beginning", &self.left_of_beginning())
            .finish_non_exhaustive()
    }
}
