//! The handle that users hold.

// The documentation lists a map's methods in the order of these modules, so reads and writes come first.
mod read;

mod write;

mod wait;

mod observe;

mod batch;
mod lists;
mod many;
mod update;
mod verify;

mod background;
mod builder;
mod follow;
mod health;
mod intent;
mod joining;
pub mod kind;
mod pauses;
mod visible;
mod writing;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmap_core::{Progress, Reader};
use rmap_proto::{MapName, Ttl};
use tokio::sync::watch;

pub use self::batch::Batch;
pub use self::builder::MapBuilder;
pub(crate) use self::follow::{Following, Shows, Statuses};
pub(crate) use self::update::Compute;
pub use self::update::{Update, Updating};
pub use self::visible::Visible;
pub use self::writing::Writing;
use crate::Error;
use crate::asks::Asker;
use crate::client::Client;
use crate::outlets::Outlets;
use crate::settings::MapSettings;
use crate::stats::Source;

/// A replicated map: reads are local, writes go through the authority.
///
/// A clone is another handle of the same replica. The map closes when [`close`](Self::close) is called or the last
/// handle is dropped; streams and views do not keep it open. A closed map still serves its last content.
///
/// # Writes
///
/// A write is one atomic step at the authority and is never sent twice. It returns the revision at which the
/// authority decided it. The local copy follows a moment later: see [`wait_for`](Self::wait_for).
///
/// Each method returns a [`Writing`], a future that borrows nothing and sends nothing before it is first polled.
/// [`visible`](Writing::visible) turns it into a future that also waits until this replica shows the write.
///
/// Keys are any bytes except `=`, at least one, at most 1 MiB; values are any bytes, at most 16 MiB unless the map's
/// [settings](MapSettings::value_bytes) say less.
///
/// Bad input is rejected before anything is sent: [`Error::InvalidKey`], [`Error::KeyTooLong`],
/// [`Error::ValueTooLong`] or [`Error::NoTests`]. Every write may also fail with [`Error::Closed`],
/// [`Error::WrongType`], [`Error::CorruptRevision`], [`Error::RevisionsExhausted`], [`Error::Rejected`] or
/// [`Error::NotSent`]; then nothing changed. [`Error::Indeterminate`] says that the outcome is unknown.
///
/// The client's runtime carries a write out, wherever its future is polled. If that runtime has already ended, the
/// write fails with [`Error::Closed`]; if it ends while the write is in flight, with [`Error::Indeterminate`].
///
/// Cancel safety: dropping the future of a write before its first poll sends nothing; dropping it later leaves the
/// outcome unknown.
#[derive(Clone)]
pub struct Map(Arc<Inner>);

struct Inner {
    name: MapName,
    ttl: Ttl,
    settings: MapSettings,
    client: Client,
    reader: Reader,
    asker: Asker,
    /// Changes whenever waiters should look again; loses its sender when the driver has ended.
    progress: watch::Receiver<Progress>,
    status: watch::Receiver<rmap_core::ReplicaStatus>,
    source: Arc<Source>,
    outlets: Arc<Outlets>,
    closing: AtomicBool,
}

impl Map {
    /// The map's name.
    #[must_use]
    pub fn name(&self) -> &MapName {
        &self.0.name
    }

    /// True after [`close`](Self::close), or the end of the client or of the map's task.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closing.load(Ordering::Relaxed) || self.0.asker.is_closed() || self.0.client.is_closed()
    }

    /// Stops following the authority, for all handles, and waits until the map's task has ended.
    ///
    /// Reads still work and show the last content. Writes fail with [`Error::Closed`], except `reset` and `destroy`.
    /// Closing again does nothing.
    ///
    /// A map with a [store](crate::MapBuilder::store) writes it a last time, and frees its lock before this call returns. A
    /// fault of that write stands in [`status`](Self::status) afterwards. `status_changes` never yields it, because the streams
    /// end before the write.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the map closes even if the future is dropped.
    pub async fn close(&self) {
        self.0.closing.store(true, Ordering::Relaxed);
        // The driver may have ended already.
        self.0.asker.close();
        let mut progress = self.0.progress.clone();
        while progress.changed().await.is_ok() {}
    }

    pub(crate) fn closed(&self) -> Error {
        Error::Closed { map: self.0.name.clone() }
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("name", &self.0.name)
            .field("progress", &self.0.reader.progress())
            .finish_non_exhaustive()
    }
}
