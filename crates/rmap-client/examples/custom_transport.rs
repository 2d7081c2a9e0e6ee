//! A custom transport: the authority is the model, in this process, and messages wait in one queue for each
//! transport.
//!
//! It passes the contract suite of `rmap-testing`: see `integration-tests/tests/custom_transport`.
//!
//! `cargo run -p rmap-client --example custom_transport`

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rmap_client::model::Authority;
use rmap_client::proto::{MapName, Read, ReadReply, Write, WriteReply};
use rmap_client::transport::{BoxFuture, Cause, CheckError, Event, Transport, TransportError};
use rmap_client::{Client, Error, Reason};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

/// A server that holds maps; a clone is the same server.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<State>>);

/// The content of the server.
#[derive(Debug, Default)]
pub struct State {
    /// Hashes by map name.
    pub maps: HashMap<MapName, Authority>,
    /// Links by connection number.
    links: HashMap<u64, Link>,
    is_down: bool,
}

/// The server's end of a transport's connections.
#[derive(Debug)]
struct Link {
    channels: HashSet<Bytes>,
    events: mpsc::UnboundedSender<Event>,
}

/// The connections of one client to a [`Store`].
#[derive(Debug)]
pub struct OwnTransport {
    store: Store,
    /// The number of the current connections.
    connection: AtomicU64,
    sender: mpsc::UnboundedSender<Event>,
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
}

/// The server's clock, in milliseconds since the Unix epoch.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_millis().try_into().unwrap_or(u64::MAX)
}

impl Store {
    /// Makes a transport with connections of its own.
    pub fn transport(&self) -> Arc<OwnTransport> {
        let (sender, events) = mpsc::unbounded_channel();
        let (store, events) = (self.clone(), AsyncMutex::new(events));
        let transport = Arc::new(OwnTransport { store, connection: AtomicU64::new(0), sender, events });
        transport.connect();
        transport
    }

    /// Ends all connections and makes the server unreachable.
    pub fn go_down(&self) {
        let mut state = self.state();
        state.is_down = true;
        for (_, link) in state.links.drain() {
            let _ = link.events.send(Event::Disconnected { reason: "the store went down".to_owned() });
        }
    }

    /// Locks the content of the server.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn publish(&self, channel: &Bytes, payload: Bytes) {
        for link in self.links.values().filter(|link| link.channels.contains(channel)) {
            let _ = link.events.send(Event::Message { channel: channel.clone(), payload: payload.clone() });
        }
    }
}

impl OwnTransport {
    /// Makes connections under a new number, unless the server is down.
    fn connect(&self) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let connection = NEXT.fetch_add(1, Ordering::Relaxed);
        self.connection.store(connection, Ordering::Relaxed);
        let mut state = self.store.state();
        if !state.is_down {
            let link = Link { channels: HashSet::new(), events: self.sender.clone() };
            state.links.insert(connection, link);
            let _ = self.sender.send(Event::Connected { connection });
        }
    }

    /// Does a request as one step when its future is polled. Without a connection nothing is sent.
    fn request<'a, T: 'a, E: From<TransportError> + 'a>(
        &'a self,
        work: impl FnOnce(&mut State, u64) -> Result<T, E> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, E>> {
        Box::pin(async move {
            let (mut state, connection) = (self.store.state(), self.connection.load(Ordering::Relaxed));
            if !state.links.contains_key(&connection) {
                let reason = "no connection stands".to_owned();
                return Err(TransportError::NotSent(Cause::NotConnected { reason }).into());
            }
            work(&mut state, connection)
        })
    }
}

impl Transport for OwnTransport {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(async move {
            let write = self.request(|state, _| {
                let (written, payloads) = state.maps.entry(map.clone()).or_default().write(now(), &write)?;
                for payload in payloads {
                    state.publish(&map.updates_channel(), payload.into());
                }
                Ok(written)
            });
            write.await
        })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.request(move |state, _| {
            let reply = state.maps.entry(map.clone()).or_default().read(now(), read)?;
            // The mark belongs to the same step: it shows where in the stream the read took place.
            if let Read::Snapshot { mark, .. } | Read::Probe { mark } = read {
                state.publish(&mark.channel, mark.id.to_string().into());
            }
            Ok(reply)
        })
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.request(move |state, _| {
            let key = map.hash_key().escape_ascii().to_string();
            let revision = state.maps.entry(map.clone()).or_default().revision();
            revision.map(drop).map_err(|_| CheckError::CorruptRevision { key })
        })
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.request(move |state, connection| {
            let link = state.links.get_mut(&connection);
            link.into_iter().for_each(|link| link.channels.extend(channels.iter().cloned()));
            Ok(())
        })
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.request(move |state, connection| {
            let link = state.links.get_mut(&connection);
            link.into_iter().for_each(|link| link.channels.retain(|channel| !channels.contains(channel)));
            Ok(())
        })
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        Box::pin(async {
            // The sender lives as long as this transport, so an event comes at some time.
            let event = self.events.lock().await.recv().await.unwrap_or(Event::Closed);
            if event == Event::Closed {
                // Every later call gets the same event.
                let _ = self.sender.send(Event::Closed);
            }
            event
        })
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        if self.store.state().links.remove(&connection).is_some() {
            let _ = self.sender.send(Event::Disconnected { reason: reason.to_string() });
            self.connect();
        }
        Box::pin(std::future::ready(()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.store.state().links.remove(&self.connection.load(Ordering::Relaxed));
        let _ = self.sender.send(Event::Closed);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let store = Store::default();
    let writer = Client::with_transport(store.transport()).map("flags").await?;
    let reader = Client::with_transport(store.transport()).map("flags").await?;
    let written = writer.set("dark-mode", "on").await?;
    reader.wait_for(written.revision).await?;
    println!("dark-mode is on at revision {}: {}", written.revision, reader.contains("dark-mode"));
    Ok(())
}
