//! The statistics of a client, for operators.

use super::Client;
use crate::stats::ClientStats;

impl Client {
    /// Statistics of the client's connections. The call takes a lock for a moment and waits for nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// let client = rmap_client::Client::in_memory();
    /// let flags = client.map("flags").join().await?;
    /// let stats = client.stats();
    /// assert_eq!((stats.maps, stats.connected, stats.reconnects), (1, true, 0));
    /// # drop(flags);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        ClientStats::of(self.router(), self.sums())
    }

    /// Reports all metrics now. Call it just before a scrape is answered; otherwise they are up to 5 seconds old.
    ///
    /// The client reports them by itself every 5 seconds, to the recorder that is installed at that moment: the global one, or
    /// that of the thread. See `docs/metrics.md` for the names.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// // A service installs a recorder at its start, such as that of `metrics-exporter-prometheus`.
    /// let client = rmap_client::Client::in_memory();
    /// let flags = client.map("flags").join().await?;
    /// flags.set("dark-mode", "on").await?;
    /// client.record_metrics();
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    pub fn record_metrics(&self) {
        self.registry().report();
    }
}
