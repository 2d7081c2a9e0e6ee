//! Building a typed map.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rmap_core::Value;
use rmap_proto::Key;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::codec::Codec;
use super::follower::Follower;
use super::key::MapKey;
use super::rejected::{Decode, Why};
use super::shared::Shared;
use super::{Inner, TypedMap};
use crate::Error;
use crate::map::{Map, MapBuilder};
use crate::store::AT_ONCE;
use crate::transport::BoxFuture;

/// Begun by [`MapBuilder::typed`] and [`Map::typed`]. Awaiting it is the same as awaiting [`join`](Self::join).
///
/// ```
/// # #[cfg(not(feature = "serde"))]
/// # fn main() {}
/// # #[cfg(feature = "serde")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// use std::time::Duration;
///
/// use rmap_client::Client;
/// use rmap_client::typed::Json;
///
/// // Settings come before the type, the check after it.
/// let limits = Client::in_memory().map("limits").join_timeout(Duration::from_secs(30)).typed::<u32>(Json);
/// let limits = limits.accept(|_key, limit| *limit > 0).await?;
/// assert!(limits.is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `join` is awaited"]
pub struct TypedMapBuilder<K, T> {
    source: Source,
    codec: Arc<dyn Codec<T>>,
    check: Option<Check<K, T>>,
}

type Check<K, T> = Box<dyn Fn(&K, &T) -> Result<(), String> + Send + Sync>;

enum Source {
    Join(Box<MapBuilder>),
    Joined(Map),
}

/// The result of a check: `bool`, or a `Result` whose error says why a value is refused.
///
/// ```
/// use rmap_client::typed::Acceptance;
///
/// assert_eq!(true.accepted(), Ok(()));
/// assert_eq!(Err::<(), _>("too large").accepted(), Err("too large".to_owned()));
/// ```
pub trait Acceptance {
    /// The value as a result, with the reason as text.
    ///
    /// # Errors
    ///
    /// The reason; empty where there is none.
    fn accepted(self) -> Result<(), String>;
}

impl Acceptance for bool {
    fn accepted(self) -> Result<(), String> {
        if self { Ok(()) } else { Err(String::new()) }
    }
}

impl<E: fmt::Display> Acceptance for Result<(), E> {
    fn accepted(self) -> Result<(), String> {
        self.map_err(|reason| reason.to_string())
    }
}

impl MapBuilder {
    /// The map with text as keys and values of type `T`; [`TypedMapBuilder::join`] joins it.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let client = rmap_client::Client::in_memory();
    /// use rmap_client::typed::Json;
    ///
    /// let limits = client.map("limits").typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).visible().await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    pub fn typed<T>(self, codec: impl Codec<T>) -> TypedMapBuilder<String, T> {
        self.typed_with_keys(codec)
    }

    /// As [`typed`](Self::typed), with keys of another type than text.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let client = rmap_client::Client::in_memory();
    /// # use rmap_client::typed::Json;
    /// let names = client.map("names").typed_with_keys::<u64, String>(Json).join().await?;
    /// names.set(&7, &"ann".to_owned()).visible().await?;
    /// assert_eq!(names.keys(), [7]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn typed_with_keys<K, T>(self, codec: impl Codec<T>) -> TypedMapBuilder<K, T> {
        TypedMapBuilder { source: Source::Join(Box::new(self)), codec: Arc::new(codec), check: None }
    }
}

impl Map {
    /// A typed handle of the same replica, with text as keys and values of type `T`.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// let bytes = rmap_client::Client::in_memory().map("limits").join().await?;
    /// bytes.set("requests", "100").visible().await?;
    /// let limits = bytes.typed::<u32>(Json).join().await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    pub fn typed<T>(&self, codec: impl Codec<T>) -> TypedMapBuilder<String, T> {
        self.typed_with_keys(codec)
    }

    /// As [`typed`](Self::typed), with keys of another type than text.
    pub fn typed_with_keys<K, T>(&self, codec: impl Codec<T>) -> TypedMapBuilder<K, T> {
        TypedMapBuilder { source: Source::Joined(self.clone()), codec: Arc::new(codec), check: None }
    }
}

impl<K: MapKey, T: Send + Sync + 'static> TypedMapBuilder<K, T> {
    /// The map shows only values for which `check` returns true, or `Ok(())`; others are [rejected](TypedMap#last-known-good).
    /// Default: every value that decodes. Replaces an earlier check.
    ///
    /// The check runs once for each change, in the task that follows the map, so it should be short. For a handle that is made
    /// while the map shows stored content, the check also runs in that call, once for each stored value. The task then checks
    /// those values again that were rejected. A check that panics rejects the value.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let client = rmap_client::Client::in_memory();
    /// # use rmap_client::typed::Json;
    /// let limits = client.map("limits").typed::<u32>(Json).accept(|key, limit| {
    ///     if *limit == 0 { Err(format!("{key} would be off")) } else { Ok(()) }
    /// });
    /// let limits = limits.join().await?;
    /// limits.set("requests", &0).visible().await?;
    /// assert_eq!(limits.get("requests"), None);
    /// assert_eq!(limits.rejected()[0].why().to_string(), "the value was not accepted: requests would be off");
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept<A: Acceptance>(mut self, check: impl Fn(&K, &T) -> A + Send + Sync + 'static) -> Self {
        self.check = Some(Box::new(move |key, value| check(key, value).accepted()));
        self
    }

    /// Joins the map unless it is joined already, and returns the typed handle when all values are decoded.
    ///
    /// Values that are rejected are no error; [`TypedMap::rejected`] lists them.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::typed::Json;
    ///
    /// let bytes = rmap_client::Client::in_memory().map("limits").join().await?;
    /// bytes.set("requests", "100").visible().await?;
    /// let limits = bytes.typed::<u32>(Json).join().await?;
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`MapBuilder::join`]. [`Error::Closed`] also when the client's runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the join up and leaves nothing behind.
    pub async fn join(self) -> Result<TypedMap<K, T>, Error> {
        let Self { source, codec, check } = self;
        let map = match source {
            Source::Join(builder) => builder.join().await?,
            Source::Joined(map) => map,
        };
        let map = TypedMap::start(map, codec, check, false)?;
        if map.inner.shared.begun().await { Ok(map) } else { Err(map.inner.map.closed()) }
    }

    /// Returns a typed handle at once, and joins and decodes in the background. The typed map is empty until it has its first
    /// content, except where it shows a small stored content, which this call decodes. See [`MapBuilder::join_in_background`].
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let client = rmap_client::Client::in_memory();
    /// # use rmap_client::typed::Json;
    /// let limits = client.map("limits").typed::<u32>(Json).join_in_background()?;
    /// assert!(limits.is_empty());
    /// // Lasts until the server has proven that the decoded content is its own.
    /// limits.sync().await?;
    /// assert!(limits.status().is_live());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`MapBuilder::join_in_background`].
    pub fn join_in_background(self) -> Result<TypedMap<K, T>, Error> {
        let Self { source, codec, check } = self;
        let map = match source {
            Source::Join(builder) => builder.join_in_background()?,
            Source::Joined(map) => map,
        };
        let at_once = map.status().is_stored() && map.stats().bytes <= AT_ONCE;
        TypedMap::start(map, codec, check, at_once)
    }
}

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// `at_once`: the call decodes the stored content.
    fn start(
        map: Map,
        codec: Arc<dyn Codec<T>>,
        check: Option<Check<K, T>>,
        at_once: bool,
    ) -> Result<Self, Error> {
        let decode = decoder(Arc::clone(&codec), check);
        let shared = Shared::new(&map);
        if at_once {
            shared.show_stored(&map, &decode);
        }
        let (open, closed) = oneshot::channel();
        let span = tracing::info_span!("rmap", map = %map.name());
        let task =
            Follower::run(Arc::clone(&shared), Arc::clone(&decode), map.clone(), closed).instrument(span);
        // The task has to be one of the client's runtime, which ends it.
        let spawned = map.client().runtime().enter(false, || drop(tokio::spawn(task)));
        if spawned.is_err() {
            return Err(map.closed());
        }
        Ok(Self { inner: Arc::new(Inner { map, codec, decode, shared, _open: open }), key: PhantomData })
    }
}

fn decoder<K: MapKey, T: 'static>(codec: Arc<dyn Codec<T>>, check: Option<Check<K, T>>) -> Decode<T> {
    let decode = move |key: &Key, bytes: &Value| {
        // A key that is written in another way would be found by nobody.
        let typed = K::from_bytes(key.as_bytes())
            .filter(|typed| typed.with_bytes(|bytes| bytes == key.as_bytes()))
            .ok_or(Why::Key)?;
        let value = codec.decode(bytes).map_err(|error| Why::NotDecoded(error.to_string()))?;
        if let Some(check) = &check {
            check(&typed, &value).map_err(Why::NotAccepted)?;
        }
        Ok(value)
    };
    // It is the user's code, and others write the values: a bad one ends neither the map's task nor a caller.
    Arc::new(move |key: &Key, bytes: &Value| {
        catch_unwind(AssertUnwindSafe(|| decode(key, bytes))).unwrap_or(Err(Why::Panicked))
    })
}

impl<K: MapKey, T: Send + Sync + 'static> IntoFuture for TypedMapBuilder<K, T> {
    type Output = Result<TypedMap<K, T>, Error>;
    type IntoFuture = BoxFuture<'static, Result<TypedMap<K, T>, Error>>;

    /// [`join`](Self::join).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.join())
    }
}

impl<K, T> fmt::Debug for TypedMapBuilder<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedMapBuilder").field("has_check", &self.check.is_some()).finish_non_exhaustive()
    }
}
