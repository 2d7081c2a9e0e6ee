//! The transport to Redis and Valkey: commands go through a library, subscriptions through a connection of our own.
//! Only the room [`fred`] names that library.
//!
//! # One pair of connections at a time
//!
//! When either connection is lost, the transport gives up *both*, with the commands that wait on them, and makes a
//! new pair. So a command belongs to one connection and is never sent after that connection is gone.
//!
//! In a cluster one lost node mostly counts as a lost connection. This transport sends a redirected call a second
//! time, because a redirection proves that nothing ran. The library could follow redirections as well, but might
//! repeat other commands.

mod calls;
mod commands;
mod connect;
mod error;
mod events;
mod failure;
pub mod fred;
mod greeting;
mod loss;
mod options;
mod pair;
mod pauses;
mod sentinel;
mod server;
mod subscriber;
mod supervisor;
mod url;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use rmap_core::Reason;
use rmap_proto::script::{self, Check};
use rmap_proto::{MapName, Read, ReadReply, Write, WriteError, WriteReply};
use tokio::sync::{Mutex, mpsc, watch};

pub use self::error::ConnectError;
pub use self::options::RedisOptions;

use self::calls::{Calls, answered, unexpected};
use self::events::Events;
use self::loss::Loss;
use self::pair::{Links, Pair};
use self::subscriber::SubscriptionChange;
use self::supervisor::{Control, PairState, Supervisor};
use super::group::Groups;
use super::{BoxFuture, CheckError, Event, GroupStats, Received, Transport, TransportError};

/// A [`Transport`] to a Redis or Valkey server, sentinel group or cluster: one connection for commands (one per node
/// in a cluster), one for subscriptions, and one to a sentinel where there are any.
///
/// With sentinels both connections go to the master that a sentinel names, and are replaced when it names another
/// one.
///
/// Messages that the client does not take wait at the server, which ends the connection beyond its
/// `client-output-buffer-limit`.
///
/// The transport replaces lost connections until it is closed, after pauses of 25 to 800 ms. The pauses start over
/// after connections have lasted for 5 s. Dropping the transport closes it.
pub struct RedisTransport {
    address: String,
    calls: Calls,
    groups: Groups<Calls>,
    /// Dropping it makes the supervisor close the connections.
    control: mpsc::UnboundedSender<Control>,
    events: Mutex<Events>,
}

impl RedisTransport {
    /// Makes both connections.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the first attempt fails, or takes longer than [`RedisOptions::connect_timeout`].
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves neither a connection nor a task behind.
    pub async fn connect(options: RedisOptions) -> Result<Arc<Self>, ConnectError> {
        let (pair, links) = connect::connect(&options, 1).await?;
        let pair = Arc::new(pair);
        let state = PairState::Connected { pair: Arc::clone(&pair), former: None };
        Ok(Self::start(options, state, Some((pair, links))))
    }

    /// Returns a transport at once, which connects in the background. It retries for as long as it is not closed, whatever the
    /// failure; each new reason comes as an event. Until the first connections stand, requests are not sent.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with I/O and time enabled.
    #[must_use]
    pub fn connect_in_background(options: RedisOptions) -> Arc<Self> {
        let reason = format!("connecting to {}", options.address()).into();
        Self::start(options, PairState::Disconnected { reason }, None)
    }

    fn start(options: RedisOptions, state: PairState, first: Option<(Arc<Pair>, Links)>) -> Arc<Self> {
        let (state, observer) = watch::channel(state);
        let (control, requests) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(options.clone(), state, requests);
        tokio::spawn(supervisor.run(first));
        let events = Mutex::new(Events::new(observer.clone()));
        let calls = Calls { state: observer, control: control.downgrade(), limit: options.command_limit() };
        let groups = Groups::new(calls.clone());
        Arc::new(Self { address: options.address(), calls, groups, control, events })
    }

    async fn request(&self, request: SubscriptionChange, channels: &[Bytes]) -> Result<(), TransportError> {
        let pair = self.calls.pair()?;
        let call = pair.subscriber().request(request, channels);
        answered(&pair, call).await
    }
}

impl Transport for RedisTransport {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Box::pin(async move { self.groups.write(&map, &write).await })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        Box::pin(async move {
            let reply = self.calls.read(&*self.calls.pair()?, script::read(map, read)).await?;
            script::decode_read(read, reply).map_err(unexpected)
        })
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        Box::pin(async move {
            let reply = self.calls.read(&*self.calls.pair()?, script::check(map)).await;
            let reply = reply.map_err(|error| missing_right(map, error))?;
            judge(map, script::decode_check(reply).map_err(unexpected)?)
        })
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.request(SubscriptionChange::Subscribe, channels))
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.request(SubscriptionChange::Unsubscribe, channels))
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        Box::pin(async { self.events.lock().await.next().await })
    }

    fn next_events<'a>(&'a self, events: &'a mut Vec<Event>) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.events.lock().await.next_burst(events).await })
    }

    fn received(&self) -> Option<Received> {
        Some(self.calls.pair().ok()?.received())
    }

    fn groups(&self) -> Option<GroupStats> {
        Some(self.groups.stats())
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.calls.replace(connection, Loss::Replaced(reason.clone()));
        Box::pin(std::future::ready(()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // Sending fails when the supervisor has ended, and then the connections are already gone.
            let _ = self.control.send(Control::Close);
            let _ = self.calls.state.clone().wait_for(|state| matches!(state, PairState::Closed)).await;
        })
    }
}

impl fmt::Debug for RedisTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTransport").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Turns the result of a check into an error, unless it is good.
fn judge(map: &MapName, check: Check) -> Result<(), CheckError> {
    if check.too_old {
        return Err(CheckError::ServerTooOld { version: check.version });
    }
    if !check.missing.is_empty() {
        return Err(CheckError::MissingRights { rights: check.missing });
    }
    let key = || map.hash_key().escape_ascii().to_string();
    if check.wrong_type {
        return Err(CheckError::WrongType { key: key() });
    }
    if check.corrupt_revision {
        return Err(CheckError::CorruptRevision { key: key() });
    }
    Ok(())
}

/// A user without the right to run the check lacks the right that the server's refusal names.
fn missing_right(map: &MapName, error: TransportError) -> CheckError {
    if let TransportError::Authority(WriteError::Rejected(error)) = &error
        && let Some(right) = script::check_refused(map, error)
    {
        return CheckError::MissingRights { rights: vec![right] };
    }
    CheckError::Transport(error)
}
