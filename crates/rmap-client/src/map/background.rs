//! Joining without waiting.

use std::sync::Arc;

use rmap_core::{Phase, ReplicaStatus};
use rmap_proto::MapName;
use tokio::sync::watch;
use tracing::{Instrument, Span};

use super::Map;
use super::builder::{MapBuilder, refused};
use crate::Error;
use crate::store::MapStore;
use crate::transport::{CheckError, Transport};

impl MapBuilder {
    /// Returns a handle at once and joins in the background. The map is empty until it has its first content.
    ///
    /// With a [store](Self::store) it shows the stored content meanwhile. A store of up to 8 MiB is read before this call
    /// returns, which takes some milliseconds; a larger one is read in the background.
    ///
    /// The [status](Map::status) shows the phase, why it is in it, and with [`scan`](crate::Status::scan) how far the scan of a
    /// large map is. [`Map::wait_for_phase`] and [`Map::sync`] wait for more, and [`Map::wait_until`] for certain entries, which
    /// stored content may have already. [`Map::health`] is not ready before the first content. The join has no time limit and
    /// does not fail. The map retries what would make [`join`](Self::join) fail, logs it at WARN, and shows it in the status as
    /// far as the server says it.
    ///
    /// Until the client is connected, writes fail with [`Error::NotSent`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let client = rmap_client::Client::in_memory();
    /// let flags = client.map("flags").join_in_background()?;
    /// assert!(!flags.status().is_live());
    ///
    /// let mut phases = flags.phase_changes();
    /// while let Some(status) = phases.next().await {
    ///     println!("{status}");
    ///     if status.is_live() {
    ///         break;
    ///     }
    /// }
    /// # assert!(flags.status().is_live());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] and [`Error::InvalidTtl`]. [`Error::Store`] when another map uses the same store.
    /// [`Error::Closed`] when the client is closed or its runtime has ended.
    pub fn join_in_background(self) -> Result<Map, Error> {
        let name = MapName::new(&self.name).map_err(|cause| Error::InvalidName { cause })?;
        let ttl = self.write_ttl().map_err(|cause| Error::InvalidTtl { map: name.clone(), cause })?;
        let client = self.client.clone();
        if client.is_closed() {
            return Err(Error::Closed { map: name });
        }
        let store = self
            .store
            .clone()
            .map(|store| MapStore::open(store, name.clone()).map(MapStore::at_once))
            .transpose();
        let store = store.map_err(|cause| Error::Store { map: name.clone(), cause: Box::new(cause) })?;
        let started = client.runtime().enter(false, || {
            let span = tracing::info_span!("join", map = %name);
            let map = self.start(name.clone(), ttl, &Span::current(), store);
            let (transport, status) = (Arc::clone(client.transport()), map.0.status.clone());
            tokio::spawn(joining(name.clone(), transport, status).instrument(span));
            map
        });
        started.map_err(|_| Error::Closed { map: name })
    }
}

/// Lasts until the map is live or closed, and logs what the server lacks.
async fn joining(name: MapName, transport: Arc<dyn Transport>, mut status: watch::Receiver<ReplicaStatus>) {
    loop {
        status.borrow_and_update();
        match transport.check(&name).await {
            Ok(()) => break,
            // The connections are missing or were lost: the map hears of new ones.
            Err(CheckError::Transport(_)) => {
                if status.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = %refused(&name, error), "the map cannot be joined, and retries");
                break;
            }
        }
    }
    // It fails when the map is closed first.
    let _ = status.wait_for(|status| matches!(status.phase, Phase::Live | Phase::Kept)).await;
}
