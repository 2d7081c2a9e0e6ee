//! The typed keys with a common prefix: their content first, then their changes.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::change::{Decoded, TypedChange, typed};
use super::key::MapKey;
use super::view::TypedView;
use crate::changes::Log;
use crate::feed::FeedStream;

/// Changes of other keys that one poll goes through before other tasks get their turn.
const AT_ONCE: usize = 256;

/// Stream of the changes of keys with a common prefix, from [`TypedMap::watch_prefix`](crate::TypedMap::watch_prefix). It
/// works like the untyped [`PrefixChanges`](crate::PrefixChanges).
///
/// The stream **begins** with the existing keys that have a value, in the order of their bytes. Each key comes as a
/// [`TypedChange`] without an old value. Then come all later changes, without a gap in between. A rejected value is no change:
/// the key keeps its last good value. Applied in order to an empty map, the changes give the entries of the map under
/// the prefix. The stream ends when the map closes, after its last change.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// limits.set("web/requests", &100).visible().await?;
/// let mut web = limits.watch_prefix("web/");
/// let mut shown = std::collections::BTreeMap::new();
/// while web.left_of_beginning() > 0 {
///     let there = web.next().await.unwrap();
///     shown.insert(there.key, there.new.unwrap());
/// }
/// assert_eq!(shown.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct TypedPrefixChanges<K, T: Send + Sync + 'static> {
    prefix: Box<[u8]>,
    beginning: VecDeque<TypedChange<K, T>>,
    changes: FeedStream<Log<Decoded<T>>>,
}

impl<K: MapKey, T: Send + Sync + 'static> TypedPrefixChanges<K, T> {
    /// The stream has all changes since the view.
    pub(super) fn new(prefix: &[u8], view: &TypedView<K, T>, changes: FeedStream<Log<Decoded<T>>>) -> Self {
        let beginning = view.sorted_prefix(prefix).into_iter().map(|entry| TypedChange {
            revision: view.revision(),
            key: entry.key,
            old: None,
            new: Some(Arc::clone(entry.value)),
        });
        Self { prefix: prefix.into(), beginning: beginning.collect(), changes }
    }

    /// The common prefix of the keys' bytes.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Number of unread keys of the beginning. At zero the reader has the whole content of one revision.
    #[must_use]
    pub fn left_of_beginning(&self) -> usize {
        self.beginning.len()
    }

    /// Waits for the next change; `None` once the map is closed and the last change was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<TypedChange<K, T>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<TypedChange<K, T>>> {
        if let Some(change) = self.beginning.pop_front() {
            return Poll::Ready(Some(change));
        }
        for _ in 0..AT_ONCE {
            let Some(decoded) = ready!(Pin::new(&mut self.changes).poll_next(context)) else {
                return Poll::Ready(None);
            };
            if decoded.key.as_bytes().starts_with(&self.prefix)
                && let Some(change) = typed(decoded)
            {
                return Poll::Ready(Some(change));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

// Nothing of it is pinned.
impl<K, T: Send + Sync + 'static> Unpin for TypedPrefixChanges<K, T> {}

impl<K: MapKey, T: Send + Sync + 'static> Stream for TypedPrefixChanges<K, T> {
    type Item = TypedChange<K, T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl<K, T: Send + Sync + 'static> fmt::Debug for TypedPrefixChanges<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedPrefixChanges")
            .field("prefix", &rmap_proto::Escaped(&self.prefix))
            .field("left_of_beginning", &self.beginning.len())
            .finish_non_exhaustive()
    }
}
