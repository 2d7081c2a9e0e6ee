//! The interface between a client and its authority: one connection for commands and one for subscriptions.

mod cause;
pub mod group;
mod group_stats;
pub mod memory;
#[cfg(feature = "fred")]
pub mod redis;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::cause::Cause;
pub use self::group_stats::GroupStats;
use bytes::Bytes;
use rmap_core::Reason;
pub use rmap_core::{Pings, Received};
use rmap_proto::{Escaped, MapName, Read, ReadReply, Write, WriteError, WriteReply};

/// A boxed future, so that transports can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to reach an authority.
///
/// A transport never sends a write twice. It reports every message that it could not deliver as a lag or a
/// disconnect. It reconnects by itself until it is closed.
///
/// A client polls every future of its transport in the tokio runtime in which the client was made.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Carries out one write as one atomic step. Nothing is sent before the future is polled.
    ///
    /// The future owns all that it needs, so that callers can hold, move and join it without another box.
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
    /// A read has no time limit while the connections live. The map decides by [`received`](Self::received) how long
    /// to wait, and then replaces the connections or drops the future.
    ///
    /// # Errors
    ///
    /// [`TransportError`]. After an indeterminate one the mark may still come.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the mark may still come.
    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>>;

    /// Checks once per join that a handle can work: server version, rights, type of the key, a valid revision.
    ///
    /// # Errors
    ///
    /// [`CheckError`] names what is missing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>>;

    /// Subscribes to channels, in this order, on the subscriber connection.
    ///
    /// Success may merely say that the request was sent; only the arrival of a mark is a proof. The request may have
    /// to wait until [`next_event`](Self::next_event) has taken earlier messages.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when the request was not sent, was refused, or its outcome is unknown.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped, the subscription may still be made.
    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Ends subscriptions.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when the request was not sent, was refused, or its outcome is unknown.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped, the subscriptions may still end.
    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Waits for the next event of the subscriber connection. One task calls this, in a loop.
    ///
    /// The first event of a transport that has a connection is [`Event::Connected`]. Messages come in the order in
    /// which the server published them. After [`Event::Disconnected`] no message of that connection follows.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    fn next_event(&self) -> BoxFuture<'_, Event>;

    /// Waits for the next event, and appends it and all events that are already there, in order: at least one and at
    /// most a few hundred. One task calls this, in a loop.
    ///
    /// The default appends one [`next_event`](Self::next_event). A transport whose events come in floods saves much
    /// by appending several.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event: every event taken has been appended.
    fn next_events<'a>(&'a self, events: &'a mut Vec<Event>) -> BoxFuture<'a, ()> {
        Box::pin(async move { events.push(self.next_event().await) })
    }

    /// Counts of arrivals on the current connections, if the transport keeps them. It is called often and must not
    /// wait.
    ///
    /// These counts let a map distinguish a reply that is still on its way over a slow line from a lost one. The
    /// default is `None`: then a reply that takes longer than
    /// [`MapSettings::request_timeout`](crate::MapSettings::request_timeout) counts as lost, so a reply that always
    /// takes longer never arrives.
    fn received(&self) -> Option<Received> {
        None
    }

    /// Counts of writes sent alone and together, if the transport [groups](group::Groups) them. The default is
    /// `None`.
    fn groups(&self) -> Option<GroupStats> {
        None
    }

    /// Drops both connections and makes new ones, unless `connection` is no longer the current one.
    ///
    /// [`Event::Disconnected`] and [`Event::Connected`] follow. `reason` is that of the map that asks; the event
    /// passes it to the other maps of the client.
    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()>;

    /// Closes both connections and waits until they are gone. [`Event::Closed`] follows, for ever.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the transport closes even if the future is dropped.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// An event of the subscriber connection.
///
/// Its `Debug` form shows the size of a message, not the message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Both connections are up. Nothing is subscribed on them yet.
    Connected {
        /// The number of the pair of connections, which rises with every pair.
        connection: u64,
    },
    /// A connection was lost, and its subscriptions with it. The event is repeated when the reason changes, for
    /// example because reconnecting fails.
    Disconnected {
        /// The reason.
        reason: String,
    },
    /// A message on a subscribed channel.
    Message {
        /// The channel.
        channel: Bytes,
        /// The published bytes.
        payload: Bytes,
    },
    /// Messages were dropped because they came faster than they were taken.
    Lagged {
        /// Their number, as far as known.
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

/// The failure of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The request was not sent, so nothing changed.
    #[error("not sent: {0}")]
    NotSent(Cause),
    /// The authority answered with an error.
    #[error(transparent)]
    Authority(#[from] WriteError),
    /// The request was sent, but its outcome is unknown.
    #[error("outcome unknown: {0}")]
    Indeterminate(Cause),
}

/// The failure of a check before a join.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The server is older than Redis 7.0.
    #[error("the server is older than Redis 7.0 (it says {version})")]
    ServerTooOld {
        /// The version that the server reports.
        version: String,
    },
    /// The user lacks rights; each is named in the form of an ACL rule.
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
