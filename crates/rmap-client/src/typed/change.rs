//! Changes of decoded values.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use rmap_core::Value;
use rmap_proto::{Key, Revision};

use super::key::MapKey;
use crate::changes::{Item, Log};
use crate::feed::FeedStream;

/// A decoded value, and the bytes that it was decoded from.
#[derive(Debug)]
pub(super) struct Good<T> {
    pub(super) value: Arc<T>,
    pub(super) bytes: Value,
}

impl<T> Clone for Good<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), bytes: self.bytes.clone() }
    }
}

/// A change as the log keeps it.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    pub(super) revision: Option<Revision>,
    pub(super) key: Key,
    pub(super) old: Option<Good<T>>,
    pub(super) new: Option<Good<T>>,
}

impl<T> Clone for Decoded<T> {
    fn clone(&self) -> Self {
        let Self { revision, key, old, new } = self;
        Self { revision: *revision, key: key.clone(), old: old.clone(), new: new.clone() }
    }
}

impl<T: Send + Sync + 'static> Item for Decoded<T> {
    fn key(&self) -> &Key {
        &self.key
    }

    /// Counts a decoded value as twice its bytes, because its memory cannot be measured.
    fn weight(&self) -> usize {
        let length = |good: &Option<Good<T>>| good.as_ref().map_or(0, |good| good.bytes.len());
        128 + self.key.len() + 2 * (length(&self.old) + length(&self.new))
    }

    fn fold(&mut self, earlier: Self) -> bool {
        self.old = earlier.old;
        let bytes = |good: &Option<Good<T>>| good.as_ref().map(|good| good.bytes.clone());
        bytes(&self.old) != bytes(&self.new)
    }
}

/// A change of one key of a [`TypedMap`](crate::TypedMap).
///
/// A rejected value is no change: the key keeps its last good value.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// let mut changes = limits.changes();
/// limits.set("requests", &100).await?;
/// limits.set("requests", &200).await?;
/// assert_eq!(changes.next().await.unwrap().old, None);
/// let change = changes.next().await.unwrap();
/// assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some(&100), Some(&200)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a change of a key is these four things")]
pub struct TypedChange<K, T> {
    /// The revision at which the replica shows the change, or `None` when the hash vanished. Successive changes need not
    /// have rising revisions.
    pub revision: Option<Revision>,
    /// The key.
    pub key: K,
    /// The old value; `None` for a key that had no good one.
    pub old: Option<Arc<T>>,
    /// The new value; `None` for a deleted key.
    pub new: Option<Arc<T>>,
}

impl<K: fmt::Debug, T> fmt::Debug for TypedChange<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedChange")
            .field("revision", &self.revision)
            .field("key", &self.key)
            .field("had_value", &self.old.is_some())
            .field("has_value", &self.new.is_some())
            .finish()
    }
}

/// Stream of changes, from [`TypedMap::changes`](crate::TypedMap::changes) and
/// [`TypedMap::view_and_changes`](crate::TypedMap::view_and_changes).
///
/// It has the properties of the untyped [`Changes`](crate::Changes): no hole, no growth without bound. Applied to the view at
/// its start, its changes give the content that the typed map has. It ends when the map closes.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// let mut changes = limits.changes();
/// limits.set("requests", &100).await?;
/// limits.close().await;
/// while let Some(change) = changes.next().await {
///     println!("{}: {:?}", change.key, change.new.as_deref());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TypedChanges<K, T: Send + Sync + 'static> {
    stream: FeedStream<Log<Decoded<T>>>,
    key: PhantomData<fn() -> K>,
}

impl<K: MapKey, T: Send + Sync + 'static> TypedChanges<K, T> {
    pub(super) fn new(stream: FeedStream<Log<Decoded<T>>>) -> Self {
        Self { stream, key: PhantomData }
    }

    /// Waits for the next change; `None` once the map is closed and the last change was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<TypedChange<K, T>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<K: MapKey, T: Send + Sync + 'static> Stream for TypedChanges<K, T> {
    type Item = TypedChange<K, T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(decoded) = ready!(Pin::new(&mut self.stream).poll_next(context)) else {
                return Poll::Ready(None);
            };
            if let Some(change) = typed(decoded) {
                return Poll::Ready(Some(change));
            }
        }
    }
}

/// The change as users get it. The key was one when the value was decoded, so it is one now.
pub(super) fn typed<K: MapKey, T>(decoded: Decoded<T>) -> Option<TypedChange<K, T>> {
    let Decoded { revision, key, old, new } = decoded;
    let value = |good: Option<Good<T>>| good.map(|good| good.value);
    Some(TypedChange { revision, key: K::from_bytes(key.as_bytes())?, old: value(old), new: value(new) })
}
