//! Comparing the content with the server's, entry by entry.

use rmap_core::Verified;
use tokio::sync::oneshot;

use super::Map;
use crate::Error;

impl Map {
    /// Reads the hash from the server again and compares every entry with the local content, both at one revision.
    ///
    /// It finds differences that no probe and no [`sync`](Self::sync) can find, because revision and number of fields
    /// agree: a direct `HSET` over an existing field, or a hash restored from a copy. The map repairs what differs
    /// before this call returns, or by a resync that has begun when [`Verified::complete`] is false. Repairs are
    /// emitted as events and changes.
    ///
    /// Concurrent writes are not counted as differences. Large hashes are read page by page, as fast as the server
    /// answers; [`MapSettings::verify_interval`](crate::MapSettings::verify_interval) repeats the comparison at 1 %
    /// of that pace. A verification needs 8 to 16 bytes for each key while it runs. There is no time limit: without a
    /// connection it waits for one, and after a resync it restarts.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// map.set_and_wait("dark-mode", "on").await?;
    /// let verified = map.verify().await?;
    /// assert!(verified.agrees());
    /// assert_eq!(verified.compared, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotVerified`] when the server refuses to let the hash be read; [`Error::Closed`] when the map closes
    /// before.
    ///
    /// # Cancel safety
    ///
    /// After the first poll the comparison runs to its end and repairs what it finds, even if the future is dropped.
    pub async fn verify(&self) -> Result<Verified, Error> {
        let (answer, outcome) = oneshot::channel();
        if !self.0.asker.verify(answer) {
            return Err(self.closed());
        }
        match outcome.await {
            Ok(Ok(verified)) => Ok(verified),
            Ok(Err(failure)) => {
                Err(Error::NotVerified { map: self.name().clone(), reason: failure.to_string() })
            }
            Err(_) => Err(self.closed()),
        }
    }
}
