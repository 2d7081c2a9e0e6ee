//! Values that are not taken over.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use rmap_core::Value;
use rmap_proto::{Key, Revision};

use crate::changes::{Item, Log};
use crate::feed::FeedStream;

/// Decodes and checks a value. It does not panic, whatever codec and check do.
pub(super) type Decode<T> = Arc<dyn Fn(&Key, &Value) -> Result<T, Why> + Send + Sync>;

/// A value that a [`TypedMap`](crate::TypedMap) does not show. A clone shares it.
///
/// Its `Debug` form has no part of the value.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// limits.set("requests", &100).visible().await?;
/// let written = limits.untyped().set("requests", "many").await?;
/// limits.wait_for(written.revision).await?;
/// let rejected = &limits.rejected()[0];
/// assert_eq!(*rejected.key(), "requests");
/// assert_eq!(rejected.revision(), Some(written.revision));
/// assert!(rejected.keeps_last_good());
/// assert!(rejected.why().to_string().starts_with("the value was not decoded: "));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Rejected(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    key: Key,
    revision: Option<Revision>,
    why: Why,
    keeps: bool,
}

/// The reason why a value was rejected. Its `Debug` form leaves out the texts of codec and check, which may quote the
/// value.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// use rmap_client::typed::Why;
///
/// limits.untyped().set("requests", "many").await?;
/// limits.sync().await?;
/// assert!(matches!(limits.rejected()[0].why(), Why::NotDecoded(reason) if reason.contains("line 1")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The key is not of the key type.
    Key,
    /// The codec could not decode the value.
    NotDecoded(String),
    /// The check of [`accept`](crate::typed::TypedMapBuilder::accept) refused it.
    NotAccepted(String),
    /// The key, the codec or the check panicked.
    Panicked,
}

impl Rejected {
    pub(super) fn new(key: Key, revision: Option<Revision>, why: Why, keeps: bool) -> Self {
        Self(Arc::new(Inner { key, revision, why, keeps }))
    }

    /// The key, as bytes: it may not be of the key type.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// The revision of the content in which the value was found. `None`: the hash vanished before.
    ///
    /// For a notification this is the revision of the write; for a resync, and at the join, that of the whole content.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.0.revision
    }

    /// The reason why the value was rejected.
    #[must_use]
    pub fn why(&self) -> &Why {
        &self.0.why
    }

    /// True when the key keeps the last good value; false when there was none.
    #[must_use]
    pub fn keeps_last_good(&self) -> bool {
        self.0.keeps
    }
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("key", &self.0.key)
            .field("revision", &self.0.revision)
            .field("why", &self.0.why)
            .field("keeps_last_good", &self.0.keeps)
            .finish()
    }
}

impl Why {
    /// The kind alone, for logs.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Key => "the key is not of the key type",
            Self::NotDecoded(_) => "the value was not decoded",
            Self::NotAccepted(_) => "the value was not accepted",
            Self::Panicked => "the key, the codec or the check panicked",
        }
    }
}

impl fmt::Debug for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::NotDecoded(reason) | Self::NotAccepted(reason) if !reason.is_empty() => {
                write!(f, ": {reason}")
            }
            Self::Key | Self::NotDecoded(_) | Self::NotAccepted(_) | Self::Panicked => Ok(()),
        }
    }
}

impl Item for Rejected {
    fn key(&self) -> &Key {
        &self.0.key
    }

    fn weight(&self) -> usize {
        128 + self.0.key.len()
    }

    /// Only the last one of a key still stands.
    fn fold(&mut self, _: Self) -> bool {
        true
    }
}

/// Stream of rejected values, from [`TypedMap::rejections`](crate::TypedMap::rejections).
///
/// It begins with what is rejected at the moment. When many are unread, of those of one key only the last is kept. The stream ends when the map closes.
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
/// limits.untyped().set("requests", "many").await?;
/// limits.sync().await?;
/// let mut rejections = limits.rejections();
/// assert_eq!(*rejections.next().await.unwrap().key(), "requests");
/// limits.close().await;
/// assert!(rejections.next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Rejections {
    first: VecDeque<Rejected>,
    later: FeedStream<Log<Rejected>>,
}

impl Rejections {
    pub(super) fn new(first: Vec<Rejected>, later: FeedStream<Log<Rejected>>) -> Self {
        Self { first: first.into(), later }
    }

    /// Waits for the next; `None` once the map is closed and the last was taken.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses none.
    pub async fn next(&mut self) -> Option<Rejected> {
        match self.first.pop_front() {
            Some(first) => Some(first),
            None => self.later.next().await,
        }
    }
}

impl Stream for Rejections {
    type Item = Rejected;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Rejected>> {
        match self.first.pop_front() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.later).poll_next(context),
        }
    }
}
