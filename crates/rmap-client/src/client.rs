//! The connections that the maps of a process share.

mod numbers;

use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::Timeline;
use crate::router::Router;
use crate::runtime::Runtime;
use crate::settings::{ClientSettings, MapSettings};
use crate::sum::{Sum, Sums};
use crate::transport::Transport;

/// One command connection and one subscriber connection, shared by all maps that are joined through it.
///
/// A clone is another handle of the same connections. Both connections close and every task ends after the last
/// client handle and the last [`Map`](crate::Map) of the client are dropped.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    router: Arc<Router>,
    runtime: Arc<Runtime>,
    clock: Timeline,
    settings: MapSettings,
    sums: Sums,
    #[cfg(feature = "metrics")]
    registry: Arc<crate::metrics::Registry>,
    /// Closes the client when it changes or is dropped.
    stop: watch::Sender<bool>,
    /// Loses its sender when the router task has ended.
    ended: watch::Receiver<()>,
}

impl Client {
    /// Closes all maps and both connections, and waits until they are closed. Closing again does nothing.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the client closes even if the future is dropped.
    pub async fn close(&self) {
        self.0.stop.send_replace(true);
        let mut ended = self.0.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    pub(crate) fn start(transport: Arc<dyn Transport>, settings: ClientSettings) -> Self {
        let ClientSettings { maps: settings, clock, unread, received, .. } = settings;
        let sums = Sums { unread: Sum::new(unread), received: Sum::new(received) };
        let router = Arc::new(Router::new(transport));
        let runtime = Arc::new(Runtime::current());
        let clock = Timeline::start_late(clock);
        let (stop, stopped) = watch::channel(false);
        let (running, ended) = watch::channel(());
        let mut ending = router.ending(Arc::clone(&runtime), running);
        let (task, watched) = (Arc::clone(&router), clock.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = Arc::clone(&task).run(stopped) => {}
                never = watched.watch(|| task.clock_jumped()) => match never {},
            }
            ending.is_orderly();
        });
        #[cfg(feature = "metrics")]
        let registry = crate::metrics::Registry::new(Arc::clone(&router), sums.clone());
        #[cfg(feature = "metrics")]
        tokio::spawn(Arc::clone(&registry).run(ended.clone()));
        Self(Arc::new(Inner {
            router,
            runtime,
            clock,
            settings,
            sums,
            #[cfg(feature = "metrics")]
            registry,
            stop,
            ended,
        }))
    }

    pub(crate) fn router(&self) -> &Arc<Router> {
        &self.0.router
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        self.0.router.transport()
    }

    pub(crate) fn clock(&self) -> &Timeline {
        &self.0.clock
    }

    pub(crate) fn settings(&self) -> &MapSettings {
        &self.0.settings
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.0.sums
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn registry(&self) -> &crate::metrics::Registry {
        &self.0.registry
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.router.is_closed()
    }
}
