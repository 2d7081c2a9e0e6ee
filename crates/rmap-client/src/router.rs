//! One task per client that hands what the subscriber connection delivers to the inboxes of the maps, and the table
//! by which it does so.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{MapName, ServerError, WriteError};
use tokio::sync::{Notify, watch};

use crate::inbox::{Delivery, Inbox};
use crate::settings::Bound;
use crate::sync::lock;
use crate::transport::{CheckError, Event, Transport, TransportError};

/// How long the end of a subscription may take before it is given up.
const UNSUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who listens to which channel, and whether the connection is up.
#[derive(Debug)]
pub(crate) struct Router {
    transport: Arc<dyn Transport>,
    routes: Mutex<Routes>,
    /// Held across a decision about subscriptions and the request that carries it out, so that they keep one order.
    subscribing: tokio::sync::Mutex<()>,
    /// A subscription was refused once.
    cautious: AtomicBool,
    /// The last map has left.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Routes {
    link: Link,
    next_id: u64,
    members: HashMap<u64, Member>,
    channels: HashMap<Bytes, Vec<Listener>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Link {
    #[default]
    Down,
    Up(u64),
    Closed,
}

#[derive(Debug)]
struct Member {
    inbox: Arc<Inbox>,
    /// What its latest subscription is called.
    wanted: Option<Box<str>>,
    /// The connection on which it last subscribed.
    subscribed_on: Option<u64>,
    /// Where it listens.
    channels: Vec<Bytes>,
}

#[derive(Debug)]
struct Listener {
    id: u64,
    inbox: Arc<Inbox>,
    private: bool,
}

/// However the router's task ends, also by a panic or with its runtime: the maps are closed, since nobody would hand them
/// anything any more.
#[derive(Debug)]
pub(crate) struct Ending {
    router: Arc<Router>,
    /// Dropped last: it tells that all is done.
    _running: watch::Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut routes = lock(&self.router.routes);
        if routes.link != Link::Closed {
            routes.close();
        }
    }
}

/// A map's place at the router.
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
            cautious: AtomicBool::new(false),
            emptied: Notify::new(),
        }
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.routes).link == Link::Closed
    }

    /// What is to be dropped with the task that runs this router; `running` loses its sender then.
    pub(crate) fn ending(self: &Arc<Self>, running: watch::Sender<()>) -> Ending {
        Ending { router: Arc::clone(self), _running: running }
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
            if self.deliver(events.drain(..)) == Link::Closed {
                break;
            }
        }
        lock(&self.routes).close();
        self.transport.close().await;
        while !lock(&self.routes).members.is_empty() {
            self.emptied.notified().await;
        }
    }

    /// Gives a map an inbox, which at once learns whether the connection is up.
    pub(crate) fn enter(&self, limit: Bound) -> Membership {
        let inbox = Arc::new(Inbox::new(limit));
        let mut routes = lock(&self.routes);
        match routes.link {
            Link::Down => {}
            Link::Up(connection) => inbox.push(Delivery::Connected(connection)),
            Link::Closed => inbox.push(Delivery::Closed),
        }
        let id = routes.next_id;
        routes.next_id += 1;
        routes.members.insert(
            id,
            Member { inbox: Arc::clone(&inbox), wanted: None, subscribed_on: None, channels: Vec::new() },
        );
        Membership { id, inbox }
    }

    /// Subscribes a map's updates channel and its private channel for `nonce`, in this order.
    ///
    /// A former private channel of the map is given up. Success proves nothing yet; only a mark does.
    ///
    /// Subscriptions wait for each other. One that was overtaken by another of its map is not made: on a slow line those of
    /// many maps would otherwise all come too late, for ever.
    ///
    /// A refused one can cost all maps the connection. So after the first the rights are asked for before each.
    pub(crate) async fn subscribe(&self, id: u64, map: &MapName, nonce: &str) -> Result<(), TransportError> {
        lock(&self.routes).want(id, nonce);
        if self.cautious.load(Ordering::Relaxed) {
            self.check_rights(map).await?;
        }
        let _order = self.subscribing.lock().await;
        if !lock(&self.routes).wants(id, nonce) {
            return Err(TransportError::NotSent("another subscription took its place".to_owned()));
        }
        let channels = [map.updates_channel(), map.sync_channel(nonce)];
        let former = lock(&self.routes).attach(id, &channels);
        if !former.is_empty() {
            self.unsubscribe(&former).await;
        }
        let subscribed = self.transport.subscribe(&channels).await;
        if matches!(subscribed, Err(TransportError::Authority(_))) {
            self.cautious.store(true, Ordering::Relaxed);
        }
        subscribed
    }

    /// Whatever else stands against the map is found by the reads that follow.
    async fn check_rights(&self, map: &MapName) -> Result<(), TransportError> {
        match self.transport.check(map).await {
            Err(CheckError::MissingRights { rights }) => {
                let refusal = format!("NOPERM the user lacks {}", rights.join(" "));
                Err(TransportError::Authority(WriteError::Rejected(ServerError::parse(&refusal))))
            }
            Err(CheckError::Transport(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes a map off the table and ends the subscriptions that nobody else uses.
    pub(crate) async fn leave(&self, id: u64) {
        let _order = self.subscribing.lock().await;
        let (unused, emptied) = {
            let mut routes = lock(&self.routes);
            (routes.detach(id), routes.members.is_empty())
        };
        if !unused.is_empty() {
            self.unsubscribe(&unused).await;
        }
        if emptied {
            self.emptied.notify_one();
        }
    }

    /// Failure leaves messages coming that nobody listens to, which does no harm.
    async fn unsubscribe(&self, channels: &[Bytes]) {
        match tokio::time::timeout(UNSUBSCRIBE_TIMEOUT, self.transport.unsubscribe(channels)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "could not unsubscribe"),
            Err(_) => tracing::debug!("unsubscribing took too long"),
        }
    }

    /// Hands events on, in order, and then wakes the drivers that had nothing to do: one that was woken by the first
    /// message of many would soon have to be woken again. Returns what is known of the connection then.
    fn deliver(&self, events: impl IntoIterator<Item = Event>) -> Link {
        let mut routes = lock(&self.routes);
        let mut idle = Vec::new();
        // Logged at the end: whoever takes logs might ask a map something.
        let mut lagged = 0;
        for event in events {
            match event {
                Event::Message { channel, payload } => routes.route(&channel, payload, &mut idle),
                Event::Connected { connection } => {
                    routes.link = Link::Up(connection);
                    routes.broadcast(&Delivery::Connected(connection));
                }
                Event::Disconnected { reason } => {
                    routes.link = Link::Down;
                    routes.broadcast(&Delivery::Disconnected(reason.into()));
                }
                Event::Lagged { missed } => {
                    lagged += missed;
                    routes.broadcast(&Delivery::Lagged);
                }
                Event::Closed => {
                    routes.close();
                    break;
                }
            }
        }
        let link = routes.link;
        drop(routes);
        idle.iter().for_each(|inbox| inbox.wake());
        if lagged > 0 {
            tracing::warn!(missed = lagged, "the subscriber connection lagged: every map resyncs");
        }
        link
    }

    /// Takes a map off the table at once. Its subscriptions stay, which does no harm.
    pub(crate) fn remove(&self, id: u64) {
        let mut routes = lock(&self.routes);
        routes.detach(id);
        if routes.members.is_empty() {
            self.emptied.notify_one();
        }
    }
}

impl Membership {
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }
}

impl Listener {
    fn append(&self, payload: Bytes, idle: &mut Vec<Arc<Inbox>>) {
        let message = if self.private { Delivery::Mark(payload) } else { Delivery::Update(payload) };
        if self.inbox.append(message) {
            idle.push(Arc::clone(&self.inbox));
        }
    }
}

impl Routes {
    fn broadcast(&self, delivery: &Delivery) {
        for member in self.members.values() {
            member.inbox.push(delivery.clone());
        }
    }

    /// Appends a message where it belongs, and to `idle` the inboxes whose drivers are to be woken.
    fn route(&self, channel: &Bytes, payload: Bytes, idle: &mut Vec<Arc<Inbox>>) {
        // Mostly there is one listener, which then needs no clone.
        let Some((last, others)) = self.channels.get(channel).and_then(|listeners| listeners.split_last())
        else {
            return;
        };
        for listener in others {
            listener.append(payload.clone(), idle);
        }
        last.append(payload, idle);
    }

    fn want(&mut self, id: u64, nonce: &str) {
        if let Some(member) = self.members.get_mut(&id) {
            member.wanted = Some(nonce.into());
        }
    }

    fn wants(&self, id: u64, nonce: &str) -> bool {
        self.members.get(&id).is_some_and(|member| member.wanted.as_deref() == Some(nonce))
    }

    /// Routes `[updates, private]` to a map. Returns its channels of before that are subscribed for nothing now.
    fn attach(&mut self, id: u64, [updates, private]: &[Bytes; 2]) -> Vec<Bytes> {
        let Link::Up(connection) = self.link else { return Vec::new() };
        let Some(member) = self.members.get_mut(&id) else { return Vec::new() };
        let same_connection = member.subscribed_on.replace(connection) == Some(connection);
        let inbox = Arc::clone(&member.inbox);
        let former = std::mem::replace(&mut member.channels, vec![updates.clone(), private.clone()]);
        let mut former = self.drop_routes(id, former);
        for (channel, private) in [(updates, false), (private, true)] {
            let listener = Listener { id, inbox: Arc::clone(&inbox), private };
            self.channels.entry(channel.clone()).or_default().push(listener);
        }
        former.retain(|channel| same_connection && !self.channels.contains_key(channel));
        former
    }

    /// Forgets a map. Returns the channels that nobody listens to any more.
    fn detach(&mut self, id: u64) -> Vec<Bytes> {
        let member = self.members.remove(&id);
        let unused = self.drop_routes(id, member.map(|member| member.channels).unwrap_or_default());
        if matches!(self.link, Link::Up(_)) { unused } else { Vec::new() }
    }

    /// Has a map listen to these channels no longer. Returns those to which nobody listens then.
    fn drop_routes(&mut self, id: u64, mut channels: Vec<Bytes>) -> Vec<Bytes> {
        channels.retain(|channel| {
            let Some(listeners) = self.channels.get_mut(channel) else { return false };
            listeners.retain(|listener| listener.id != id);
            let unused = listeners.is_empty();
            if unused {
                self.channels.remove(channel);
            }
            unused
        });
        channels
    }

    fn close(&mut self) {
        self.link = Link::Closed;
        self.channels.clear();
        self.broadcast(&Delivery::Closed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::memory::MemoryServer;

    /// A router that knows of its connection, without its task.
    fn router(server: &MemoryServer) -> Router {
        let router = Router::new(server.transport());
        router.deliver([Event::Connected { connection: 1 }]);
        router
    }

    fn enter(router: &Router) -> Membership {
        router.enter(Bound { count: 100, bytes: 1000 })
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

    /// On a slow line: while another map's is made, a map may have given its own up and asked for a new one.
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
        let told = [
            Delivery::Connected(1),
            Delivery::Disconnected("gone".into()),
            Delivery::Lagged,
            Delivery::Closed,
        ];
        assert_eq!(taken(&member.inbox), told);
        assert_eq!(taken(&late.inbox), [Delivery::Closed]);
        assert_eq!(taken(&enter(&router).inbox), [Delivery::Closed]);
        assert!(router.is_closed());
    }
}
