//! Status, readiness and statistics of a typed map.

use std::time::Duration;

use rmap_core::{Phase, Verified};

use super::TypedMap;
use super::key::MapKey;
use crate::Error;
use crate::health::Health;
use crate::stats::MapStats;
use crate::status::{PhaseChanges, Status, StatusChanges};

impl<K: MapKey, T: Send + Sync + 'static> TypedMap<K, T> {
    /// The map's phase, revision and staleness at this moment. Revision, staleness and the number of rejected values
    /// are those of the decoded content.
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// limits.untyped().set("requests", "many").visible().await?;
    /// limits.sync().await?;
    /// assert_eq!((limits.status().is_live(), limits.status().rejected()), (true, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        self.inner.shared.status()
    }

    /// Yields the [status](Self::status) of this moment, then that after every change of the map's status or of the number of
    /// rejected values, as a [`Stream`](futures_core::Stream).
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut statuses = limits.status_changes();
    /// limits.untyped().set("requests", "many").await?;
    /// while let Some(status) = statuses.next().await {
    ///     if status.rejected() == 1 {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status_changes(&self) -> StatusChanges {
        let shared = &self.inner.shared;
        StatusChanges(shared.statuses.add(|latest, stream| latest.begin(stream, shared.status())))
    }

    /// Yields the [status](Self::status) of this moment and after every change of its phase, as a
    /// [`Stream`](futures_core::Stream). See [`Map::phase_changes`].
    ///
    /// [`Map::phase_changes`]: crate::Map::phase_changes
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let mut phases = limits.phase_changes();
    /// assert!(phases.next().await.unwrap().is_live());
    /// limits.close().await;
    /// assert_eq!(phases.next().await.unwrap().phase(), rmap_client::Phase::Closed);
    /// assert!(phases.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn phase_changes(&self) -> PhaseChanges {
        PhaseChanges::new(self.status_changes())
    }

    /// Waits until the map is in this phase and the decoded content has what the map had then. Returns the
    /// [status](Self::status) of that moment. See [`Map::wait_for_phase`].
    ///
    /// [`Map::wait_for_phase`]: crate::Map::wait_for_phase
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Text;
    /// # let client = rmap_client::Client::in_memory();
    /// use rmap_client::Phase;
    ///
    /// let limits = client.map("limits").typed::<u32>(Text).join_in_background()?;
    /// limits.wait_for_phase(Phase::Live).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map closes first, unless [`Phase::Closed`] is what the call waits for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_for_phase(&self, phase: Phase) -> Result<Status, Error> {
        let found = self.phase_changes().find(phase).await.ok_or_else(|| self.inner.map.closed())?;
        // The phase is the map's, whose values may not all be decoded yet. Without more to come, the last content counts.
        let _ = self.inner.catch_up().await;
        let now = self.status();
        Ok(if now.phase() == phase { now } else { found })
    }

    /// Checks that the map may serve requests: it is open, and the staleness of the decoded content is at most `bound`. See
    /// [`Map::health`].
    ///
    /// Rejected values do not count, because their keys keep the last good ones. The [status](Self::status) has their number.
    ///
    /// [`Map::health`]: crate::Map::health
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use std::time::Duration;
    /// # use rmap_client::typed::Json;
    /// # let limits = rmap_client::Client::in_memory().map("limits").typed::<u32>(Json).join().await?;
    /// let health = limits.health(Duration::from_secs(15));
    /// assert_eq!(health.to_string(), "map limits: ready");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn health(&self, bound: Duration) -> Health {
        self.inner.map.health_of(&self.status(), bound)
    }

    /// Statistics of the map, which all its handles share: see [`Map::stats`]. Entries, bytes, revision and staleness are
    /// those of the untyped content.
    ///
    /// [`Map::stats`]: crate::Map::stats
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
    /// assert_eq!((limits.stats().entries, limits.stats().bytes), (1, 11));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> MapStats {
        self.inner.map.stats()
    }

    /// Compares every entry with the server's, repairs what differs, and waits until the repairs are decoded. See
    /// [`Map::verify`].
    ///
    /// [`Map::verify`]: crate::Map::verify
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
    /// assert!(limits.verify().await?.agrees());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Map::verify`].
    ///
    /// # Cancel safety
    ///
    /// See [`Map::verify`].
    pub async fn verify(&self) -> Result<Verified, Error> {
        let (map, shared) = (&self.inner.map, &self.inner.shared);
        let verified = map.verify().await?;
        // A repair changes neither revision nor proof, so its place in the log counts.
        if shared.has_read(map.end_of_changes()).await { Ok(verified) } else { Err(map.closed()) }
    }

    /// Follows the server although it has lost the map's hash, if the map [keeps](crate::WhenLost::Keep) its last content. See
    /// [`Map::follow`].
    ///
    /// [`Map::follow`]: crate::Map::follow
    ///
    /// ```
    /// # #[cfg(not(feature = "serde"))]
    /// # fn main() {}
    /// # #[cfg(feature = "serde")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use rmap_client::typed::Json;
    /// use rmap_client::{MemoryServer, WhenLost};
    ///
    /// let server = MemoryServer::new();
    /// let limits = server.client().map("limits").when_lost(WhenLost::Keep).typed::<u32>(Json).join().await?;
    /// limits.set("requests", &100).visible().await?;
    ///
    /// server.flush();
    /// assert!(limits.sync().await.is_err());
    /// assert_eq!(limits.get("requests").as_deref(), Some(&100));
    ///
    /// limits.follow().await?;
    /// limits.sync().await?;
    /// assert!(limits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the map is closed.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the map follows the loss even if the future is dropped.
    pub async fn follow(&self) -> Result<(), Error> {
        self.inner.map.follow().await
    }
}
