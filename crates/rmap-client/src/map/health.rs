//! Statistics and readiness of a map, for operators.

use std::time::Duration;

use rmap_core::Phase;

use super::Map;
use crate::Error;
use crate::health::Health;
use crate::stats::MapStats;
use crate::status::{PhaseChanges, Status};
use crate::store::Age;

impl Map {
    /// The map's phase, revision and staleness at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.source.status()
    }

    /// Statistics of the map: its size, and counts of what has happened to it. The call takes locks for a moment and
    /// waits for nothing.
    ///
    /// The counts are always kept. They cost reads nothing and notifications one store per burst.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let flags = rmap_client::Client::in_memory().map("flags").join().await?;
    /// flags.set("dark-mode", "on").visible().await?;
    /// flags.delete("no-such-flag").await?;
    /// let stats = flags.stats();
    /// assert_eq!((stats.entries, stats.bytes), (1, 11));
    /// assert_eq!((stats.writes.committed, stats.writes.not_applied), (1, 1));
    /// assert_eq!(stats.resyncs.total(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> MapStats {
        self.0.source.stats()
    }

    /// Checks that the map may serve requests: it is open, and its staleness is at most `bound`.
    ///
    /// It uses the rule of [`fresh`](Self::fresh), so a short outage leaves a map ready until `bound` has passed.
    /// Choose at least twice the [probe interval](crate::MapSettings::probe_interval), or a live map fails now and
    /// then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use std::time::Duration;
    /// # let flags = rmap_client::Client::in_memory().map("flags").join().await?;
    /// let health = flags.health(Duration::from_secs(15));
    /// assert!(health.is_ready());
    /// assert_eq!(health.to_string(), "map flags: ready");
    ///
    /// flags.close().await;
    /// let health = flags.health(Duration::from_secs(15));
    /// assert_eq!(health.reason(), Some("the map is closed"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn health(&self, bound: Duration) -> Health {
        self.health_of(&self.status(), bound)
    }

    /// The readiness of a content with this status.
    pub(crate) fn health_of(&self, status: &Status, bound: Duration) -> Health {
        let why_not = if self.is_closed() {
            Some("the map is closed".to_owned())
        } else {
            self.is_fresh(status.fresh_at(), bound).err().map(|error| why_stale(&error, status))
        };
        Health::new(self.name().clone(), status, why_not)
    }

    /// The map's status at this moment and after every change of its phase, as a [`Stream`](futures_core::Stream).
    ///
    /// [`status_changes`](Self::status_changes) also yields after each probe, every few seconds. Only the latest status waits to
    /// be read: a reader that comes late sees one status for several changes, also when the phase is the same again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let flags = rmap_client::Client::in_memory().map("flags").join().await?;
    /// let mut phases = flags.phase_changes();
    /// assert!(phases.next().await.unwrap().is_live());
    /// flags.close().await;
    /// assert_eq!(phases.next().await.unwrap().phase(), rmap_client::Phase::Closed);
    /// assert!(phases.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn phase_changes(&self) -> PhaseChanges {
        PhaseChanges::new(self.status_changes())
    }
}

impl Map {
    /// Waits until the map is in this phase, and returns the status of that moment. For example until a map that
    /// [joins in the background](crate::MapBuilder::join_in_background) is live.
    ///
    /// There is no time limit: wrap the call in [`tokio::time::timeout`] where one is needed. A phase that comes and goes
    /// while the caller does not run may be missed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::{MemoryServer, Phase};
    ///
    /// let server = MemoryServer::new();
    /// let flags = server.client().map("flags").join_in_background()?;
    /// flags.wait_for_phase(Phase::Live).await?;
    ///
    /// server.go_down();
    /// let status = flags.wait_for_phase(Phase::Disconnected).await?;
    /// assert_eq!(status.reason().to_string(), "the server is down");
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
        self.phase_changes().find(phase).await.ok_or_else(|| self.closed())
    }
}

/// The age and the bound, and what the map does about it.
fn why_stale(error: &Error, status: &Status) -> String {
    let doing = format!("{} ({})", status.phase(), status.reason());
    let Error::Stale { staleness, bound, slept, .. } = error else { return doing };
    match staleness {
        _ if status.phase() == Phase::Kept => doing,
        _ if *slept => format!("the computer slept and no proof has come since: {doing}"),
        Some(age) if status.is_stored() => format!("from the store, {} old: {doing}", Age(*age)),
        None if status.is_stored() => format!("from the store, of unknown age: {doing}"),
        Some(staleness) => format!("last proven fresh {staleness:.1?} ago, more than {bound:?}: {doing}"),
        None => format!("never proven fresh: {doing}"),
    }
}
