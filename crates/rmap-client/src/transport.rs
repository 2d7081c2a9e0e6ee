//! What the client needs of a transport: two connections to one authority, one for commands, one for subscriptions.

mod cause;
pub mod group;
pub mod memory;
#[cfg(feature = "fred")]
pub mod redis;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::cause::Cause;
use bytes::Bytes;
use rmap_core::Reason;
pub use rmap_core::{Pings, Received};
use rmap_proto::{Escaped, MapName, Read, ReadReply, Write, WriteError, WriteReply};

/// A boxed future, so that transports can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to reach an authority.
///
/// A transport never sends a write twice, and it reports every message that it could not deliver as a lag or a
/// disconnect. It keeps reconnecting by itself until it is closed.
///
/// A client polls every future of its transport in the tokio runtime in which the client was made.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Carries out one write as one atomic step. Nothing is sent before the future is polled.
    ///
    /// The future owns all that it needs, so that a write can be held, moved and joined without another box around it.
    ///
    /// # Errors
    ///
    /// [`TransportError`] says what is known of the outcome.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>>;

    /// Carries out one read as one atomic step, its mark included.
    ///
    /// It has no time limit while the connections live: the map decides how long it waits, by [`received`](Self::received),
    /// and then replaces the connections or drops the future.
    ///
    /// # Errors
    ///
    /// [`TransportError`]; what is indeterminate is whether the mark will come.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the mark may still come.
    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>>;

    /// Checks, once per join, what a handle needs: server version, rights, type of the key, a revision in order.
    ///
    /// # Errors
    ///
    /// [`CheckError`] says what is missing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>>;

    /// Subscribes to channels, in this order, on the subscriber connection.
    ///
    /// Success need not say more than that the request was sent; the arrival of a mark is the proof. It may have to wait
    /// until messages that came before have been taken by [`next_event`](Self::next_event).
    ///
    /// # Errors
    ///
    /// [`TransportError`] when it was not sent, was refused, or nothing is known of it.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the subscription may have been made.
    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Ends subscriptions.
    ///
    /// # Errors
    ///
    /// Those of [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the subscriptions may have ended.
    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Waits for what happens next on the subscriber connection. One task calls this, in a loop.
    ///
    /// The first event of a transport that has a connection is [`Event::Connected`]. Messages come in the order in which
    /// the server published them; after [`Event::Disconnected`] none of that connection comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    fn next_event(&self) -> BoxFuture<'_, Event>;

    /// Waits for what happens next and appends it, together with what else is there already, in order: at least one event
    /// and no more than a few hundred. One task calls this, in a loop.
    ///
    /// By default it is [`next_event`](Self::next_event); a transport whose events come in floods saves much by doing more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event: what was taken has been appended.
    fn next_events<'a>(&'a self, events: &'a mut Vec<Event>) -> BoxFuture<'a, ()> {
        Box::pin(async move { events.push(self.next_event().await) })
    }

    /// What has arrived on the connections that stand now, if the transport can tell. It is asked often and must not wait.
    ///
    /// By it a map tells a reply that is on its way on a slow line from one that was lost. By default it is `None`: then what
    /// does not come within [`MapSettings::request_timeout`](crate::MapSettings::request_timeout) counts as lost, and a reply that takes
    /// longer to travel never arrives.
    fn received(&self) -> Option<Received> {
        None
    }

    /// Drops both connections and makes new ones, unless `connection` is no longer the current one.
    ///
    /// [`Event::Disconnected`] and [`Event::Connected`] follow. `reason` is why the map that asks wants it; the other maps of
    /// the client find it in the event.
    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()>;

    /// Closes both connections and waits until they are gone. [`Event::Closed`] follows, for ever.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the transport closes even if the future is dropped.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What happens on the subscriber connection.
///
/// Its `Debug` form tells how many bytes a message has, not the message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Both connections are up. Nothing is subscribed on them yet.
    Connected {
        /// Rises with every pair of connections.
        connection: u64,
    },
    /// A connection was lost; subscriptions are gone with it. It comes again when the reason changes, for example because
    /// connecting anew fails.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// A message on a subscribed channel.
    Message {
        /// The channel.
        channel: Bytes,
        /// What was published.
        payload: Bytes,
    },
    /// Messages were dropped because they came faster than they were taken.
    Lagged {
        /// How many, as far as known.
        missed: u64,
    },
    /// The transport is closed.
    Closed,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { connection } => write!(f, "Connected({connection})"),
            Self::Disconnected { reason } => write!(f, "Disconnected({reason})"),
            Self::Message { channel, payload } => {
                write!(f, "Message({}, {} bytes)", Escaped(channel), payload.len())
            }
            Self::Lagged { missed } => write!(f, "Lagged({missed})"),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

/// Why a transport could not say that a request was carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Nothing was sent, so nothing happened.
    #[error("not sent: {0}")]
    NotSent(Cause),
    /// The authority's verdict.
    #[error(transparent)]
    Authority(#[from] WriteError),
    /// The request was sent, but its outcome is unknown.
    #[error("outcome unknown: {0}")]
    Indeterminate(Cause),
}

/// Why a map cannot be joined on this server by this user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The server is older than Redis 7.0.
    #[error("the server is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// What it says of itself.
        version: String,
    },
    /// The user lacks rights; each is named the way an ACL rule would grant it.
    #[error("the user lacks rights that the map needs: {}", .rights.join(" "))]
    MissingRights {
        /// For example `+publish` or `&map:flags:sync:*`.
        rights: Vec<String>,
    },
    /// The map's key holds something that is not a hash.
    #[error("the key {key} does not hold a hash")]
    WrongType {
        /// The Redis key.
        key: String,
    },
    /// The field `=rev` of the map's hash is not a revision.
    #[error("the field =rev of the key {key} is corrupt")]
    CorruptRevision {
        /// The Redis key.
        key: String,
    },
    /// The check itself could not be carried out.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
