//! Joining a map.

use std::future::IntoFuture;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use rmap_core::{Phase, Reason, Replica, ScanProgress, WhenLost};
use rmap_proto::{InvalidTtl, MapName, Ttl, TtlMillis};
use tokio::sync::watch;
use tracing::{Instrument, Span};

use super::joining::Timer;
use super::{Inner, Map};
use crate::Error;
use crate::asks;
use crate::client::Client;
use crate::driver::Driver;
use crate::error::During;
use crate::outlets::Outlets;
use crate::settings::MapSettings;
use crate::stats::Source;
use crate::store::{MapStore, OPEN_LIMIT, Saver, Store};
use crate::transport::{BoxFuture, CheckError, TransportError};
use crate::watch::KeyWatchers;

/// Joins a map with settings of its own, from [`Client::map`]. Every setter says its default.
///
/// Awaiting the builder is the same as awaiting [`join`](Self::join).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use std::time::Duration;
/// # let client = rmap_client::Client::in_memory();
/// let flags = client.map("flags").sliding_ttl(Duration::from_secs(3600)).await?;
/// # assert!(flags.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `join` is awaited"]
pub struct MapBuilder {
    pub(super) client: Client,
    pub(super) name: Bytes,
    ttl: Option<(Lifetime, Duration)>,
    settings: MapSettings,
    pub(super) store: Option<Store>,
}

#[derive(Debug, Clone, Copy)]
enum Lifetime {
    Absolute,
    Sliding,
}

impl Client {
    /// Starts a builder for the map with this name; [`MapBuilder::join`] joins the map.
    pub fn map(&self, name: impl AsRef<[u8]>) -> MapBuilder {
        MapBuilder::new(self.clone(), name.as_ref())
    }
}

impl MapBuilder {
    fn new(client: Client, name: &[u8]) -> Self {
        let settings = client.settings().clone();
        Self { client, name: Bytes::copy_from_slice(name), ttl: None, settings, store: None }
    }

    /// Lets the hash expire this long after a write of this handle first found it without a time to live. Nothing
    /// extends that time.
    ///
    /// Default: writes leave the time to live alone. Replaces [`sliding_ttl`](Self::sliding_ttl).
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some((Lifetime::Absolute, ttl));
        self
    }

    /// Lets the hash live this long after every applied write of this handle.
    ///
    /// Default: writes leave the time to live alone. Replaces [`ttl`](Self::ttl).
    pub const fn sliding_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some((Lifetime::Sliding, ttl));
        self
    }

    /// Longest time that the join may go without progress; default: the client's, 10 s. See
    /// [`MapSettings::join_timeout`].
    pub fn join_timeout(mut self, timeout: Duration) -> Self {
        self.settings = self.settings.join_timeout(timeout);
        self
    }

    /// Longest time that [`Map::sync`] may take; default: the client's, 10 s.
    pub fn sync_timeout(mut self, timeout: Duration) -> Self {
        self.settings = self.settings.sync_timeout(timeout);
        self
    }

    /// Chooses between following and keeping when the server has no hash for the map any more; default: the client's,
    /// [`WhenLost::Follow`]. See [`MapSettings::when_lost`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// use rmap_client::{MemoryServer, WhenLost};
    ///
    /// let server = MemoryServer::new();
    /// let flags = server.client().map("flags").when_lost(WhenLost::Keep).join().await?;
    /// flags.set("dark-mode", "on").visible().await?;
    ///
    /// server.flush();
    /// assert!(flags.sync().await.is_err());
    /// assert_eq!(flags.get("dark-mode").unwrap(), "on");
    /// # Ok(())
    /// # }
    /// ```
    pub fn when_lost(mut self, when_lost: WhenLost) -> Self {
        self.settings = self.settings.when_lost(when_lost);
        self
    }

    /// Keeps the content in this [`Store`], too, so that the map has it before the server answers; default: no store.
    ///
    /// [`join_in_background`](Self::join_in_background) shows the stored content at once. It is as fresh as it was when
    /// it was stored, so [`fresh`](Map::fresh) and [`health`](Map::health) refuse it in time. When the map goes live, the
    /// streams of changes emit the difference. A join of a large map whose stored content a probe proves does not read
    /// the map from the server, except once in the background to verify it.
    ///
    /// A fault of the store stands in [`Status::store`](crate::Status::store) and in the log, and the map goes on
    /// without the store. The content is stored when it has changed, at most once in [an interval](Store::interval), and
    /// when the map is [closed](Map::close) or its last handle is dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # use std::time::Duration;
    /// use rmap_client::{MemoryServer, Store};
    ///
    /// let (server, store) = (MemoryServer::new(), Store::in_memory());
    /// let flags = server.client().map("flags").store(store.clone()).join().await?;
    /// flags.set("dark-mode", "on").visible().await?;
    /// flags.close().await;
    ///
    /// // The service starts again while the server is away.
    /// server.go_down();
    /// let flags = server.client().map("flags").store(store).join_in_background()?;
    /// assert_eq!(flags.get("dark-mode").unwrap(), "on");
    /// assert!(flags.status().is_stored());
    /// assert!(flags.fresh(Duration::ZERO).is_err());
    ///
    /// server.come_up();
    /// flags.sync().await?;
    /// assert!(flags.status().is_live());
    /// # Ok(())
    /// # }
    /// ```
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Replaces all settings of the map except its time to live and its store; default: the client's.
    pub fn settings(mut self, settings: MapSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Joins the map: checks server and rights, subscribes, reads the content, and returns when the map is live.
    ///
    /// With a [store](Self::store) and [`WhenLost::Keep`] it also returns a map in the phase [`Kept`](Phase::Kept): where
    /// the server has lost the hash, the map shows what was stored.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] and [`Error::InvalidTtl`] before anything is sent. [`Error::ServerTooOld`],
    /// [`Error::MissingRights`], [`Error::WrongType`], [`Error::CorruptRevision`], [`Error::NotSent`],
    /// [`Error::Rejected`] and [`Error::NotJoined`] from the check. [`Error::Store`] when another map uses the same
    /// store. [`Error::JoinTimeout`] after
    /// [`join_timeout`](Self::join_timeout) without progress. [`Error::Closed`] when the client is closed or its
    /// runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the join and leaves nothing behind.
    pub async fn join(self) -> Result<Map, Error> {
        let name = MapName::new(&self.name).map_err(|cause| Error::InvalidName { cause })?;
        let ttl = self.write_ttl().map_err(|cause| Error::InvalidTtl { map: name.clone(), cause })?;
        let timeout = self.settings.join_timeout;
        let client = self.client.clone();
        // The map outlives the span of its join, so the map's own span belongs to the caller's.
        let (caller, span) = (Span::current(), tracing::info_span!("join", map = %name));
        let joining = self.check_and_start(name.clone(), ttl, caller).instrument(span);
        // The caller may poll from outside a tokio runtime, but the timer and the map's task need one.
        match client.runtime().within(joining).await {
            Ok(Ok(map)) => Ok(map),
            Ok(Err(Refusal::Error(error))) => Err(error),
            Ok(Err(Refusal::TimedOut { phase, reason, scan })) => {
                Err(Error::JoinTimeout { map: name, timeout, phase, reason, scan })
            }
            Err(_) => Err(Error::Closed { map: name }),
        }
    }

    pub(super) fn write_ttl(&self) -> Result<Ttl, InvalidTtl> {
        Ok(match self.ttl {
            None => Ttl::None,
            Some((Lifetime::Absolute, ttl)) => Ttl::Absolute(TtlMillis::new(ttl)?),
            Some((Lifetime::Sliding, ttl)) => Ttl::Sliding(TtlMillis::new(ttl)?),
        })
    }

    async fn check_and_start(self, name: MapName, ttl: Ttl, caller: Span) -> Result<Map, Refusal> {
        if self.client.is_closed() {
            return Err(Refusal::Error(Error::Closed { map: name }));
        }
        let transport = Arc::clone(self.client.transport());
        let mut timer = Timer::start(self.settings.join_timeout, Arc::clone(&transport));
        match timer.limit(transport.check(&name)).await {
            Some(checked) => checked.map_err(|error| Refusal::Error(refused(&name, error)))?,
            None => return Err(Refusal::TimedOut { phase: Phase::Joining, reason: None, scan: None }),
        }
        let store = self.open_store(&name).await.map_err(Refusal::Error)?;
        timer.checked(store.as_ref().map(|store| Arc::clone(store.state())));
        let map = self.start(name, ttl, &caller, store);
        let mut status = map.0.status.clone();
        loop {
            let seen = status.borrow_and_update().clone();
            // Only a stored content can be kept already: the server has lost the hash.
            if seen.phase == Phase::Live || seen.phase == Phase::Kept {
                return Ok(map);
            }
            timer.see(&seen);
            match timer.limit(status.changed()).await {
                Some(Ok(())) => {}
                Some(Err(_)) => return Err(Refusal::Error(map.closed())),
                None => {
                    // The next try finds the store free.
                    map.close().await;
                    let (phase, reason, scan) = (seen.phase, Some(seen.reason), timer.furthest());
                    return Err(Refusal::TimedOut { phase, reason, scan });
                }
            }
        }
    }

    async fn open_store(&self, name: &MapName) -> Result<Option<MapStore>, Error> {
        let Some(store) = self.store.clone() else { return Ok(None) };
        let (map, again) = (name.clone(), store.clone());
        let opening = tokio::task::spawn_blocking(move || MapStore::open(store, map));
        let Ok(opened) = tokio::time::timeout(OPEN_LIMIT, opening).await else {
            return Ok(Some(MapStore::not_opened(again, name.clone())));
        };
        match opened {
            Ok(opened) => {
                opened.map(Some).map_err(|cause| Error::Store { map: name.clone(), cause: Box::new(cause) })
            }
            Err(_) => Err(Error::Closed { map: name.clone() }),
        }
    }

    fn replica(&self, name: &MapName, outlets: &Outlets) -> Replica {
        // The standard library's only source of randomness; it differs for every call.
        let seed = RandomState::new().hash_one(name.as_bytes());
        let mut settings = self.settings.replica.clone();
        if let Some((_, ttl)) = self.ttl {
            // All handles of a map are expected to set the same time to live.
            settings = settings.expires_after(ttl);
        }
        let mut replica = Replica::new(settings, seed).started_at(self.client.clock().now());
        replica.set_watchers(Arc::<KeyWatchers>::clone(&outlets.watchers));
        replica
    }

    pub(super) fn start(self, name: MapName, ttl: Ttl, caller: &Span, store: Option<MapStore>) -> Map {
        let outlets = Arc::new(Outlets::new(&self.client, self.settings.unread));
        let mut replica = self.replica(&name, &outlets);
        if let Some(store) = store.as_ref().filter(|store| store.shows_at_once()) {
            let read = store.read(self.client.clock(), replica.staging());
            store.show(read, &mut replica);
        }
        let reader = replica.reader();
        let (asker, asked) = asks::channel();
        let (progress_sender, progress) = watch::channel(reader.progress());
        let (status_sender, status) = watch::channel(replica.status().clone());
        let (router, received) = (self.client.router(), &self.client.sums().received);
        let membership = router.enter(self.settings.inbox, received.share());
        let source = Arc::new(Source {
            #[cfg(feature = "metrics")]
            name: name.clone(),
            reader: reader.clone(),
            status: status.clone(),
            inbox: Arc::clone(&membership.inbox),
            tallies: Arc::clone(&outlets.tallies),
            clock: self.client.clock().clone(),
            store: store.as_ref().map(|store| Arc::clone(store.state())),
        });
        #[cfg(feature = "metrics")]
        self.client.registry().add(Arc::clone(&source));
        let saver = store.map(|store| Box::new(Saver::new(store)));
        let driver = Driver::new(
            name.clone(),
            (replica, saver),
            (Arc::clone(router), membership),
            asked,
            (progress_sender, status_sender),
            Arc::clone(&outlets),
            received.share(),
        );
        tokio::spawn(driver.run().instrument(tracing::info_span!(parent: caller, "rmap", map = %name)));
        Map(Arc::new(Inner {
            name,
            ttl,
            settings: self.settings,
            client: self.client,
            reader,
            asker,
            progress,
            status,
            source,
            outlets,
            closing: AtomicBool::new(false),
        }))
    }
}

impl IntoFuture for MapBuilder {
    type Output = Result<Map, Error>;
    type IntoFuture = BoxFuture<'static, Result<Map, Error>>;

    /// The same as [`join`](Self::join).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.join())
    }
}

/// A join that failed.
enum Refusal {
    Error(Error),
    /// The timeout passed in this phase.
    TimedOut {
        phase: Phase,
        reason: Option<Reason>,
        scan: Option<ScanProgress>,
    },
}

pub(super) fn refused(name: &MapName, error: CheckError) -> Error {
    let map = name.clone();
    match error {
        CheckError::ServerTooOld { version } => Error::ServerTooOld { map, version },
        CheckError::MissingRights { rights } => Error::MissingRights { map, rights },
        CheckError::WrongType { .. } => Error::WrongType { map },
        CheckError::CorruptRevision { .. } => Error::CorruptRevision { map },
        CheckError::Transport(TransportError::Indeterminate(cause)) => Error::NotJoined { map, cause },
        CheckError::Transport(error) => During { map: name, operation: "join", key: None }.fail(error),
    }
}
