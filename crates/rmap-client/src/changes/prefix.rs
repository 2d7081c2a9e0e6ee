//! The keys with a common prefix: their content first, then their changes.

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
/// The stream **begins** with the existing keys, in the order of their bytes. Each key comes as a [`Change`] without
/// an old value, at the revision of the content that all keys were read from. Then come all later changes, without a
/// gap in between. Applied in order to an empty map, they give the entries of the map under the prefix.
///
/// The changes are those of [`Map::changes`](crate::Map::changes) and obey the same rules, see [`Changes`]: folding
/// bounds the backlog, a resync appears as its net changes, and the stream ends when the map closes, after its last
/// change.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// map.batch().set("web/1", "10.0.0.1").set("db/1", "10.0.0.2").commit().visible().await?;
/// let mut web = map.watch_prefix("web/");
/// let mut shown = std::collections::BTreeMap::new();
/// web.begin().await;
/// while web.left_of_beginning() != Some(0) {
///     let there = web.next().await.unwrap();
///     shown.insert(there.key, there.new.unwrap());
/// }
/// assert_eq!(shown.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct PrefixChanges {
    prefix: Box<[u8]>,
    beginning: Beginning,
    changes: Changes,
}

enum Beginning {
    /// The map's task has not started the stream yet.
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

    /// The common prefix of the keys.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Number of unread keys of the beginning; `None` until the stream has begun.
    ///
    /// At zero the reader has the whole content of one revision.
    #[must_use]
    pub fn left_of_beginning(&self) -> Option<usize> {
        match &self.beginning {
            Beginning::Asked { .. } => None,
            Beginning::Begun(left) => Some(left.len()),
        }
    }

    /// Waits until the stream has begun, and returns the number of unread keys of the beginning.
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

/// Turns the entries of a view under the prefix into changes.
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
