//! Maps of typed values: each value is decoded once, when it changes, and a bad one never takes the place of a good one.
//!
//! ```
//! # #[cfg(not(feature = "serde"))]
//! # fn main() {}
//! # #[cfg(feature = "serde")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), rmap_client::Error> {
//! use rmap_client::Client;
//! use rmap_client::typed::Json;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Flag {
//!     percent: u8,
//! }
//!
//! let client = Client::in_memory();
//! let flags = client.map("flags").typed::<Flag>(Json).accept(|_key, flag| flag.percent <= 100).join().await?;
//!
//! flags.set("dark-mode", &Flag { percent: 20 }).visible().await?;
//! assert_eq!(flags.get("dark-mode").unwrap().percent, 20);
//!
//! // Somebody writes what is no flag. The key keeps its last good value, and the map says so.
//! let written = flags.untyped().set("dark-mode", "{\"percent\": 400}").await?;
//! flags.wait_for(written.revision).await?;
//! assert_eq!(flags.get("dark-mode").unwrap().percent, 20);
//! assert_eq!(flags.rejected()[0].key(), "dark-mode");
//! # Ok(())
//! # }
//! ```
//!
//! # How it follows
//!
//! A typed handle has a content of its own: the decoded values, at one revision. Its task takes each change of the map, decodes
//! it, and shows all changes of a step at once. So the typed content is at every moment what the map was at one revision, and
//! it reaches the map's revision a moment later than the map. Waits, [`sync`](crate::TypedMap::sync) and
//! [`visible`](crate::Writing::visible) of a typed handle wait for the typed content.
//!
//! Handles of both kinds share one replica, one subscription and one connection; the bytes of a value are in memory once. A
//! clone of a typed handle shares the decoded values, while each [`join`](TypedMapBuilder::join) decodes on its own.

// The documentation lists a typed map's methods in the order of these modules, as it does those of a map.
mod read;

mod write;

mod wait;

mod observe;

mod batch;
mod many;
mod update;

mod health;

mod builder;
mod change;
mod codec;
mod follower;
mod key;
mod prefix;
mod rejected;
mod shared;
mod table;
mod view;
mod watch;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rmap_proto::MapName;
use tokio::sync::oneshot;

pub use self::batch::TypedBatch;
pub use self::builder::{Acceptance, TypedMapBuilder};
pub use self::change::{TypedChange, TypedChanges};
#[cfg(feature = "serde")]
pub use self::codec::Json;
pub use self::codec::{Codec, CodecError, Text};
pub use self::key::{KeyBytes, MapKey};
pub use self::prefix::TypedPrefixChanges;
use self::rejected::Decode;
pub use self::rejected::{Rejected, Rejections, Why};
use self::shared::Shared;
pub use self::view::{TypedEntry, TypedView};
pub use self::watch::TypedWatch;
use crate::map::Map;

/// A map whose keys and values have types, from [`MapBuilder::typed`](crate::MapBuilder::typed) or [`Map::typed`].
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use rmap_client::typed::Json;
/// # let client = rmap_client::Client::in_memory();
/// let limits = client.map("limits").typed::<u32>(Json).join().await?;
/// limits.set("requests", &100).visible().await?;
/// assert_eq!(limits.get("requests").as_deref(), Some(&100));
/// # Ok(())
/// # }
/// ```
///
/// A clone is another handle of the same decoded content. The map stays open as long as one handle of any kind exists; streams
/// and views do not keep it open. A closed map still serves its last content.
///
/// # Last known good
///
/// A value that does not decode, or that the [check](TypedMapBuilder::accept) refuses, is **rejected**. Its key keeps the last
/// good value, also across resyncs, reconnects and a new life of the hash, until another good value comes or the key is deleted.
/// A key that never had a good value has none. Rejected values are counted in the [status](Self::status), listed by
/// [`rejected`](Self::rejected) and emitted by [`rejections`](Self::rejections). The first rejection of a key is logged at WARN, without
/// the value. The bytes are there through [`untyped`](Self::untyped).
///
/// The last good value lives as long as the handle. A process that starts while a bad value is at the server has none, unless
/// it [joins in the background](TypedMapBuilder::join_in_background) with a [store](crate::Store) that has a good one. Where
/// [changes are merged](crate::Changes) because too many wait, a good value that was there in between may be skipped.
///
/// # Writes
///
/// They are those of the untyped [`Map`](Map#writes), with values encoded by the codec, and return the same. A condition compares
/// bytes: it holds when the key has exactly the bytes to which the codec encodes the given value. A write is
/// checked by the codec alone; the check decides what is shown, here and in other processes.
pub struct TypedMap<K, T> {
    inner: Arc<Inner<T>>,
    key: PhantomData<fn() -> K>,
}

struct Inner<T> {
    map: Map,
    codec: Arc<dyn Codec<T>>,
    /// The codec and the check.
    decode: Decode<T>,
    shared: Arc<Shared<T>>,
    /// Dropped with the last handle, which ends the task that follows the map.
    _open: oneshot::Sender<()>,
}

impl<K, T> TypedMap<K, T> {
    /// The map's name.
    #[must_use]
    pub fn name(&self) -> &MapName {
        self.inner.map.name()
    }

    /// The untyped handle of the same replica: bytes, integers, lists and everything else that a typed handle does not have.
    ///
    /// It may show a change a moment before the typed handle does.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.untyped().inc("requests", 2).await?;
    /// limits.sync().await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&2));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn untyped(&self) -> &Map {
        &self.inner.map
    }

    /// True after [`close`](Self::close), or the end of the client or of the map's task.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.map.is_closed()
    }
}

impl<K, T: 'static> TypedMap<K, T> {
    /// Decodes bytes as the map does, for example the previous value that a write returned. The check is not asked.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).await?;
    /// let written = limits.set("requests", &200).await?;
    /// assert_eq!(limits.decode(&written.previous.unwrap()).unwrap(), 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the codec.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        self.inner.codec.decode(bytes)
    }
}

impl<K, T> Clone for TypedMap<K, T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), key: PhantomData }
    }
}

impl<K, T> fmt::Debug for TypedMap<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedMap")
            .field("name", self.name())
            .field("revision", &self.inner.shared.table.mark().and_then(|mark| mark.progress.revision()))
            .finish_non_exhaustive()
    }
}
