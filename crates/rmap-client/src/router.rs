//! One task per client that routes the messages of the subscriber connection to the inboxes of the maps.

mod routes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{MapName, Read, ReadReply, ServerError, WriteError};
use routes::{Connectivity, Routes};
use tokio::sync::{Notify, watch};

use crate::inbox::{Delivery, Inbox};
use crate::runtime::Runtime;
use crate::settings::Bound;
use crate::sum::Share;
use crate::sync::{Mutex, lock};
use crate::transport::{Cause, CheckError, Event, Transport, TransportError};

/// Longest wait for the end of a subscription.
const UNSUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the event of a lost connection after a request failed with that connection.
const SETTLING: Duration = Duration::from_millis(100);

/// Routes channels to maps, and knows whether the connection is up.
#[derive(Debug)]
pub(crate) struct Router {
    transport: Arc<dyn Transport>,
    routes: Mutex<Routes>,
    /// Held from a decision about subscriptions until the request for it has ended, so that both happen in one order.
    subscribing: tokio::sync::Mutex<()>,
    /// Notified when the last map has left.
    emptied: Notify,
    /// Counts connects and disconnects.
    links: watch::Sender<u64>,
}

/// The router's view of the connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkStats {
    pub(crate) maps: usize,
    pub(crate) connected: bool,
    /// Pairs of connections so far.
    pub(crate) pairs: u64,
    /// Messages that the transport lost.
    pub(crate) missed: u64,
}

/// Closes the maps however the router's task ends, also by a panic or with its runtime, because no more messages
/// would reach them.
#[derive(Debug)]
pub(crate) struct Ending {
    router: Arc<Router>,
    runtime: Arc<Runtime>,
    orderly: bool,
    /// Dropped last: its end says that everything has ended.
    _running: watch::Sender<()>,
}

impl Ending {
    /// The task ends by itself, and its runtime continues.
    pub(crate) const fn is_orderly(&mut self) {
        self.orderly = true;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.orderly && !std::thread::panicking() {
            self.runtime.end();
        }
        lock(&self.router.routes).close();
    }
}

/// A map's entry at the router.
#[derive(Debug)]
pub(crate) struct Membership {
    id: u64,
    pub(crate) inbox: Arc<Inbox>,
}

impl Router {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            routes: Mutex::default(),
            subscribing: tokio::sync::Mutex::default(),
            emptied: Notify::new(),
            links: watch::Sender::new(0),
        }
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.routes).connectivity() == Connectivity::Closed
    }

    pub(crate) fn stats(&self) -> LinkStats {
        let routes = lock(&self.routes);
        LinkStats {
            maps: routes.maps(),
            connected: matches!(routes.connectivity(), Connectivity::Up(_)),
            pairs: routes.pairs(),
            missed: routes.missed,
        }
    }

    /// Makes the guard that the task of this router owns. When it is dropped, `running` loses its sender.
    pub(crate) fn ending(self: &Arc<Self>, runtime: Arc<Runtime>, running: watch::Sender<()>) -> Ending {
        Ending { router: Arc::clone(self), runtime, orderly: false, _running: running }
    }

    /// Delivers events until the transport closes, or `stop` changes or loses its sender; then closes the transport and
    /// waits until all maps have left.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut events = Vec::new();
        loop {
            // Both branches are cancel-safe.
            tokio::select! {
                () = self.transport.next_events(&mut events) => {}
                _ = stop.changed() => break,
            }
            if self.deliver(events.drain(..)) == Connectivity::Closed {
                break;
            }
        }
        lock(&self.routes).close();
        self.transport.close().await;
        while !lock(&self.routes).is_empty() {
            self.emptied.notified().await;
        }
    }

    /// Adds a map with an inbox, whose first delivery says whether the connection is up.
    pub(crate) fn enter(&self, limit: Bound, share: Share) -> Membership {
        let inbox = Arc::new(Inbox::new(limit, share));
        let id = lock(&self.routes).enter(&inbox);
        Membership { id, inbox }
    }

    /// Subscribes a map's updates channel and its private channel for `nonce`, in this order.
    ///
    /// The map's former private channel is unsubscribed. Success proves nothing yet; only a mark does.
    ///
    /// Subscriptions wait for each other. The router skips a subscription that a newer one of its map has overtaken:
    /// otherwise, on a slow line, the subscriptions of many maps would come too late for ever.
    pub(crate) async fn subscribe(&self, id: u64, map: &MapName, nonce: &str) -> Result<(), TransportError> {
        lock(&self.routes).want(id, nonce);
        let order = self.subscribing.lock().await;
        if !lock(&self.routes).wants(id, nonce) {
            return Err(TransportError::NotSent(Cause::Other(
                "another subscription took its place".to_owned(),
            )));
        }
        let channels = [map.updates_channel(), map.sync_channel(nonce)];
        let former = lock(&self.routes).attach(id, &channels);
        if !former.is_empty() {
            self.unsubscribe(&former).await;
        }
        let subscribed = self.settled(self.transport.subscribe(&channels)).await;
        drop(order);
        match subscribed {
            Err(TransportError::Authority(refusal)) => Err(self.explained(map, refusal).await),
            subscribed => subscribed,
        }
    }

    /// Reads the authority.
    pub(crate) async fn read(&self, map: &MapName, read: &Read) -> Result<ReadReply, TransportError> {
        self.settled(self.transport.read(map, read)).await
    }

    /// Waits for a request. A request that failed with the connection returns after all maps have been notified of
    /// the loss. The loss has the better reason, and one cause must not show as two changes of a map's status.
    async fn settled<T>(
        &self,
        request: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let mut links = self.links.subscribe();
        let result = request.await;
        if let Err(TransportError::NotSent(_) | TransportError::Indeterminate(_)) = &result {
            // The transport may have failed for another reason, so the wait has a limit.
            let _ = tokio::time::timeout(SETTLING, links.changed()).await;
        }
        result
    }

    /// A server does not name the channel that a user may not subscribe; the check does.
    async fn explained(&self, map: &MapName, refusal: WriteError) -> TransportError {
        TransportError::Authority(match self.transport.check(map).await {
            Err(CheckError::MissingRights { rights }) => {
                let text = format!("NOPERM the user lacks {}", rights.join(" "));
                WriteError::Rejected(ServerError::parse(&text))
            }
            _ => refusal,
        })
    }

    /// Removes a map and ends the subscriptions that no other map uses.
    pub(crate) async fn leave(&self, id: u64) {
        let _order = self.subscribing.lock().await;
        let (unused, emptied) = {
            let mut routes = lock(&self.routes);
            (routes.detach(id), routes.is_empty())
        };
        if !unused.is_empty() {
            self.unsubscribe(&unused).await;
        }
        if emptied {
            self.emptied.notify_one();
        }
    }

    /// After a failure messages keep coming that no map listens to, which does no harm.
    async fn unsubscribe(&self, channels: &[Bytes]) {
        match tokio::time::timeout(UNSUBSCRIBE_TIMEOUT, self.transport.unsubscribe(channels)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "could not unsubscribe"),
            Err(_) => tracing::debug!("unsubscribing took too long"),
        }
    }

    /// Routes events in order, and then wakes the drivers that were idle. A driver that was woken by the first
    /// message of a burst would soon have to be woken again. Returns the state of the connection afterwards.
    fn deliver(&self, events: impl IntoIterator<Item = Event>) -> Connectivity {
        let mut routes = lock(&self.routes);
        let before = routes.connectivity();
        let mut idle = Vec::new();
        // Logged after the lock is released: a log subscriber might use a map.
        let mut lagged = 0;
        for event in events {
            match event {
                Event::Message { channel, payload } => routes.route(&channel, payload, &mut idle),
                Event::Connected { connection } => routes.connected(connection),
                Event::Disconnected { reason } => routes.disconnected(reason.into()),
                Event::Lagged { missed } => {
                    lagged += missed;
                    routes.missed += missed;
                    routes.broadcast(&Delivery::Lagged);
                }
                Event::Closed => {
                    routes.close();
                    break;
                }
            }
        }
        let link = routes.connectivity();
        if link != before {
            self.links.send_modify(|count| *count += 1);
        }
        drop(routes);
        idle.iter().for_each(|inbox| inbox.wake());
        if lagged > 0 {
            tracing::warn!(missed = lagged, "the subscriber connection lagged: every map resyncs");
        }
        link
    }

    /// Notifies all maps that the clock has jumped.
    pub(crate) fn clock_jumped(&self) {
        tracing::debug!("the computer has slept, or the clock was put forward: every map asks for a proof");
        lock(&self.routes).broadcast(&Delivery::ClockJumped);
    }

    /// Removes a map at once. Its subscriptions stay, which does no harm.
    pub(crate) fn remove(&self, id: u64) {
        let mut routes = lock(&self.routes);
        routes.detach(id);
        if routes.is_empty() {
            self.emptied.notify_one();
        }
    }
}

impl Membership {
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sum::Sum;
    use crate::transport::memory::MemoryServer;

    /// A router that has had its connection event, without its task.
    fn router(server: &MemoryServer) -> Router {
        let router = Router::new(server.transport());
        router.deliver([Event::Connected { connection: 1 }]);
        router
    }

    fn enter(router: &Router) -> Membership {
        router.enter(Bound { count: 100, bytes: 1000 }, Sum::new(usize::MAX).share())
    }

    fn taken(inbox: &Inbox) -> Vec<Delivery> {
        let mut batch = Vec::new();
        inbox.take(usize::MAX, &mut batch);
        batch
    }

    fn message(channel: Bytes, payload: &'static str) -> Event {
        Event::Message { channel, payload: payload.into() }
    }

    #[tokio::test]
    async fn messages_go_to_those_who_listen() {
        let (server, map) = (MemoryServer::new(), MapName::new("flags").unwrap());
        let router = router(&server);
        let (a, b) = (enter(&router), enter(&router));
        router.subscribe(a.id(), &map, "a").await.unwrap();
        router.subscribe(b.id(), &map, "b").await.unwrap();
        router.deliver([message(map.updates_channel(), "both")]);
        router.deliver([message(map.sync_channel("b"), "mark")]);
        router.deliver([message("other".into(), "nobody")]);
        let both = Delivery::Update("both".into());
        assert_eq!(taken(&a.inbox), [Delivery::Connected(1), both.clone()]);
        assert_eq!(taken(&b.inbox), [Delivery::Connected(1), both, Delivery::Mark("mark".into())]);
    }

    #[tokio::test]
    async fn a_new_private_channel_replaces_the_former() {
        let (server, map) = (MemoryServer::new(), MapName::new("flags").unwrap());
        let router = router(&server);
        let member = enter(&router);
        for nonce in ["a", "b", "c"] {
            router.subscribe(member.id(), &map, nonce).await.unwrap();
            assert_eq!(server.subscriptions(), 2);
        }
        router.deliver([message(map.sync_channel("b"), "late")]);
        assert_eq!(taken(&member.inbox), [Delivery::Connected(1)]);
    }

    /// On a slow line, a map may replace its subscription while the router makes that of another map.
    #[tokio::test]
    async fn an_overtaken_subscription_is_not_made() {
        let (server, map) = (MemoryServer::new(), MapName::new("flags").unwrap());
        let router = router(&server);
        let member = enter(&router);
        let order = router.subscribing.lock().await;
        let release = async {
            tokio::task::yield_now().await;
            drop(order);
        };
        let (overtaken, made, ()) = tokio::join!(
            router.subscribe(member.id(), &map, "a"),
            router.subscribe(member.id(), &map, "b"),
            release
        );
        assert!(matches!(overtaken, Err(TransportError::NotSent(_))), "{overtaken:?}");
        made.unwrap();
        router.deliver([message(map.sync_channel("b"), "mark")]);
        assert_eq!(taken(&member.inbox), [Delivery::Connected(1), Delivery::Mark("mark".into())]);
    }

    #[tokio::test]
    async fn only_the_last_listener_ends_a_subscription() {
        let (server, map) = (MemoryServer::new(), MapName::new("flags").unwrap());
        let router = router(&server);
        let (a, b) = (enter(&router), enter(&router));
        router.subscribe(a.id(), &map, "a").await.unwrap();
        router.subscribe(b.id(), &map, "b").await.unwrap();
        assert_eq!(server.subscriptions(), 3);
        router.leave(a.id()).await;
        assert_eq!(server.subscriptions(), 2);
        router.leave(b.id()).await;
        assert_eq!(server.subscriptions(), 0);
    }

    #[tokio::test]
    async fn everybody_hears_of_the_connection() {
        let server = MemoryServer::new();
        let router = router(&server);
        let member = enter(&router);
        router.deliver([Event::Disconnected { reason: "gone".to_owned() }]);
        router.deliver([Event::Lagged { missed: 3 }]);
        let late = enter(&router);
        router.deliver([Event::Closed]);
        let expected = [
            Delivery::Connected(1),
            Delivery::Disconnected("gone".into()),
            Delivery::Lagged,
            Delivery::Closed,
        ];
        assert_eq!(taken(&member.inbox), expected);
        assert_eq!(taken(&late.inbox), [Delivery::Disconnected("gone".into()), Delivery::Closed]);
        assert_eq!(taken(&enter(&router).inbox), [Delivery::Closed]);
        assert!(router.is_closed());
    }
}
