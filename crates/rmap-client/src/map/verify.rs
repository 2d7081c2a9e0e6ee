//! Comparing the content with the server's, entry by entry.

use rmap_core::Verified;
use tokio::sync::oneshot;

use super::Map;
use crate::Error;

impl Map {
    /// Reads the hash from the server again and compares every entry with the local content, both at one revision.
    ///
    /// It finds what no probe and no [`sync`](Self::sync) can find, because revision and number of fields agree: a field that
    /// was overwritten past the map, a hash that was restored from a copy. What differs is put right before this returns,
    /// or by a resync that has begun when [`Verified::complete`] is false, and comes as events and changes.
    ///
    /// Writes go on meanwhile and are no differences. Large hashes are read in pages, one after the other, at the pace at
    /// which the server answers; [`MapSettings::verify_interval`](crate::MapSettings::verify_interval) does the same again and again
    /// at 1 % of that pace. It needs 8 to 16 bytes for each key while it goes on. There is no time limit: without a connection
    /// it waits for one, and after a resync it begins again.
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
    /// [`Error::NotVerified`] when the server refuses to let the hash be read; [`Error::Closed`] when the map closes before.
    ///
    /// # Cancel safety
    ///
    /// After the first poll the comparison goes on to its end, and puts right what it finds, even if the future is dropped.
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
