//! Waiting until the local content has a revision.

use rmap_core::{Phase, Target, Wait};
use rmap_proto::Revision;

use super::Map;
use crate::Error;

impl Map {
    /// Waits until the local content is at this revision or later, whichever process wrote it.
    ///
    /// Wait only for committed revisions. `None`, the revision of a missing hash, is reached at once. Without a
    /// server there is no time limit: wrap the call in [`tokio::time::timeout`] where one is needed.
    ///
    /// A revision that the local content has already passed may belong to a later life of the hash, after an expiry
    /// or a DEL that the replica has not noticed. Such a wait asks the server once, as [`sync`](Self::sync) does;
    /// concurrent waits share the answer. [`Writing::visible`](crate::Writing::visible) knows its own write and
    /// rarely has to ask.
    ///
    /// # Errors
    ///
    /// [`Error::HistoryBroken`] when the revision cannot be reached any more: the hash expired, was deleted or was
    /// replaced, or the server lost the write. A revision that nobody has made yet fails in the same way at the next
    /// proof of freshness. [`Error::Closed`] when the map closes first.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_for(&self, revision: impl Into<Option<Revision>>) -> Result<(), Error> {
        let Some(revision) = revision.into() else { return Ok(()) };
        self.wait_for_target(&self.0.reader.progress().target(Some(revision)), revision).await
    }

    /// Waits for a proof from the server that the local content is current. The map resyncs first if it is not.
    ///
    /// After it returns, a read sees every write that was acknowledged before this call, provided that the command
    /// connection reaches the current master.
    ///
    /// # Errors
    ///
    /// [`Error::SyncTimeout`] when there is no proof within [`sync_timeout`](crate::MapBuilder::sync_timeout), 10 s
    /// by default. [`Error::Closed`] when the map closes first.
    /// [`Error::Kept`] when the server has no hash for the map and the map [keeps](crate::WhenLost::Keep) its last content.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn sync(&self) -> Result<(), Error> {
        let target = self.0.reader.progress().fresh_target();
        if !self.0.asker.prove(target) {
            return Err(self.closed());
        }
        let timeout = self.0.settings.sync_timeout;
        // The caller may poll from outside a tokio runtime, but the timer needs one.
        let reached = async { tokio::time::timeout(timeout, self.reach(&target)).await };
        match self.0.client.runtime().within(reached).await {
            Ok(Ok(Wait::Reached)) => Ok(()),
            Ok(Ok(Wait::HistoryBroken)) => Err(Error::Kept { map: self.name().clone() }),
            Ok(Ok(_)) | Err(_) => Err(self.closed()),
            Ok(Err(_)) => {
                let status = self.status();
                Err(Error::SyncTimeout {
                    map: self.name().clone(),
                    timeout,
                    phase: status.phase(),
                    reason: status.reason().clone(),
                    late: status.late(),
                })
            }
        }
    }

    /// Follows the server although it has lost the map's hash, if the map [keeps](crate::WhenLost::Keep) its last content, and
    /// waits until that has begun. Soon the map is empty then, unless a write makes a hash first. Otherwise nothing happens.
    ///
    /// It concerns this loss alone. While the server is away, it takes effect when the map is connected again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::{MemoryServer, Phase, WhenLost};
    ///
    /// let server = MemoryServer::new();
    /// let flags = server.client().map("flags").when_lost(WhenLost::Keep).join().await?;
    /// flags.set("dark-mode", "on").visible().await?;
    ///
    /// server.flush();
    /// assert!(flags.sync().await.is_err());
    /// assert_eq!(flags.status().phase(), Phase::Kept);
    /// assert_eq!(flags.get("dark-mode").unwrap(), "on");
    ///
    /// flags.follow().await?;
    /// flags.sync().await?;
    /// assert!(flags.is_empty());
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
        if !self.0.asker.follow() {
            return Err(self.closed());
        }
        let mut status = self.0.status.clone();
        let followed = status.wait_for(|status| status.phase != Phase::Kept).await;
        followed.map(|_| ()).map_err(|_| self.closed())
    }

    /// Waits for a revision, and requests a proof if the wait needs one.
    pub(super) async fn wait_for_target(&self, target: &Target, revision: Revision) -> Result<(), Error> {
        if target.needs_proof() && self.0.reader.progress().check(target) == Wait::Pending {
            // If the driver has ended, the wait below notices.
            self.0.asker.prove(*target);
        }
        match self.reach(target).await {
            Wait::Reached => Ok(()),
            Wait::HistoryBroken => Err(Error::HistoryBroken { map: self.name().clone(), revision }),
            Wait::Pending | Wait::Closed => Err(self.closed()),
            _ => Err(self.closed()),
        }
    }

    /// Waits until the target is no longer pending.
    async fn reach(&self, target: &Target) -> Wait {
        let mut changes = self.0.progress.clone();
        let mut ended = false;
        loop {
            // Marked as seen before the check, so that no change falls in between.
            changes.borrow_and_update();
            let judged = self.0.reader.progress().check(target);
            if judged != Wait::Pending || ended {
                return judged;
            }
            // The driver closes the replica before it ends, so one more check has the final answer.
            ended = changes.changed().await.is_err();
        }
    }
}
