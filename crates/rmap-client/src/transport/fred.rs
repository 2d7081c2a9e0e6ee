//! The transport to Redis and Valkey, on top of fred. No other module names fred.
//!
//! # One pair of connections at a time
//!
//! fred would reconnect by itself, and then send again, on the new connection, what was in flight or queued. We never
//! let it: its clients have no reconnect policy, and when a connection is lost, *both* clients are given up together
//! with their queues. New ones are made for the next pair. So a command belongs to one connection and is never sent
//! after it is gone. Only bytes that the operating system has already taken may still reach a server that was frozen;
//! their callers were told that the outcome is unknown.
//!
//! What fred 10.1 does with a command whose caller went away: one that waits in its queue is struck off if *fred's own*
//! timeout has passed, but is sent if merely its future was dropped. All calls therefore carry fred's timeout, and the
//! queue only grows while the socket takes no more bytes. A dropped call may be sent as long as its connection lives.
//!
//! In a cluster one lost node counts as a lost connection, and a redirected call is sent a second time by us, because a
//! redirection proves that nothing ran; fred's own way of following it could repeat other commands.

mod commands;
mod error;
mod events;
mod link;
mod options;
mod pair;
mod reply;
mod subscriber;
mod supervisor;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use rmap_proto::script::{self, Check, Invocation};
use rmap_proto::{MapName, Read, ReadReply, Reply, Write, WriteError, Written};
use tokio::sync::{Mutex, mpsc, watch};

pub use self::error::ConnectError;
pub use self::options::FredOptions;
pub use ::fred;

use self::commands::CallError;
use self::events::Events;
use self::pair::Pair;
use self::subscriber::Request;
use self::supervisor::{Control, State, Supervisor};
use super::{BoxFuture, CheckError, Event, Transport, TransportError};

/// A [`Transport`] to a Redis or Valkey server, sentinel group or cluster: one connection for commands and one for
/// subscriptions (one of each per node in a cluster).
///
/// Lost connections are replaced for as long as the transport is not closed, after pauses of 50 ms to 2 s. Dropping the
/// transport closes it.
pub struct FredTransport {
    address: String,
    options: FredOptions,
    state: watch::Receiver<State>,
    control: mpsc::UnboundedSender<Control>,
    events: Mutex<Events>,
}

impl FredTransport {
    /// Makes both connections. Must be called inside of a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when that does not succeed at the first attempt and within
    /// [`FredOptions::connect_timeout`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves neither a connection nor a task behind.
    pub async fn connect(options: FredOptions) -> Result<Arc<Self>, ConnectError> {
        let (pair, links) = pair::connect(&options, 1).await?;
        let pair = Arc::new(pair);
        let (state, observer) = watch::channel(State::Connected(Arc::clone(&pair)));
        let (control, requests) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(options.clone(), state, requests);
        tokio::spawn(supervisor.run(pair, links));
        Ok(Arc::new(Self {
            address: options.address(),
            options,
            events: Mutex::new(Events::new(observer.clone())),
            state: observer,
            control,
        }))
    }

    /// The pair of connections that stands now.
    fn pair(&self) -> Result<Arc<Pair>, TransportError> {
        match &*self.state.borrow() {
            State::Connected(pair) => Ok(Arc::clone(pair)),
            State::Disconnected { reason } => {
                Err(TransportError::NotSent(format!("not connected: {reason}")))
            }
            State::Closed => Err(TransportError::NotSent("the transport is closed".to_owned())),
        }
    }

    async fn invoke(&self, pair: &Pair, invocation: Invocation) -> Result<Reply, TransportError> {
        let call = commands::invoke(pair.commands(), invocation, self.options.command_limit());
        let result = answered(pair, call).await.map_err(into_transport_error);
        // Looked at only now, because a script of ours may wrap what one of its commands was answered.
        if let Err(TransportError::Authority(WriteError::Rejected(error))) = &result
            && matches!(error.code.as_str(), "READONLY" | "MASTERDOWN")
        {
            self.replace(pair.number(), format!("the server is no master: {error}"));
        }
        result
    }

    async fn request(&self, request: Request, channels: &[Bytes]) -> Result<(), TransportError> {
        let channels = texts(channels)?;
        let pair = self.pair()?;
        let call = pair.subscriber().request(request, channels, self.options.command_limit());
        let result = answered(&pair, call).await;
        if let Err(CallError::Server(error)) = &result {
            self.replace(pair.number(), format!("a subscription was refused: {error}"));
        }
        result.map_err(into_transport_error)
    }

    fn replace(&self, number: u64, reason: String) {
        // It fails only when the supervisor has ended, and then there is nothing to replace.
        let _ = self.control.send(Control::Replace { number, reason });
    }
}

impl Transport for FredTransport {
    fn write<'a>(
        &'a self,
        map: &'a MapName,
        write: &'a Write,
    ) -> BoxFuture<'a, Result<Written, TransportError>> {
        Box::pin(async move {
            let invocation = script::write(map, write)?;
            let reply = self.invoke(&*self.pair()?, invocation).await?;
            script::decode_written(reply).map_err(|error| TransportError::Indeterminate(error.to_string()))
        })
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        Box::pin(async move {
            let reply = self.invoke(&*self.pair()?, script::read(map, read)).await?;
            script::decode_read(read, reply).map_err(|error| TransportError::Indeterminate(error.to_string()))
        })
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        Box::pin(async move {
            texts(&[map.updates_channel()])?;
            let pair = self.pair()?;
            let reply =
                self.invoke(&pair, script::check(map)).await.map_err(|error| missing_right(map, error))?;
            let check = script::decode_check(reply)
                .map_err(|error| TransportError::Indeterminate(error.to_string()))?;
            judge(map, check)
        })
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.request(Request::Subscribe, channels))
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.request(Request::Unsubscribe, channels))
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        Box::pin(async { self.events.lock().await.next().await })
    }

    fn next_events<'a>(&'a self, events: &'a mut Vec<Event>) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.events.lock().await.next_burst(events).await })
    }

    fn replace_connections(&self, connection: u64) -> BoxFuture<'_, ()> {
        self.replace(connection, "to be replaced".to_owned());
        Box::pin(std::future::ready(()))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // It fails when the supervisor has ended: then the connections are gone already.
            let _ = self.control.send(Control::Close);
            let _ = self.state.clone().wait_for(|state| matches!(state, State::Closed)).await;
        })
    }
}

impl fmt::Debug for FredTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FredTransport").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Waits for an answer for as long as the pair's connections stand.
async fn answered<T>(pair: &Pair, call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    tokio::select! {
        biased;
        result = call => result,
        () = pair.given_up() => Err(CallError::Indeterminate("the connection was lost".to_owned())),
    }
}

fn into_transport_error(error: CallError) -> TransportError {
    match error {
        CallError::Server(error) => TransportError::Authority(WriteError::from_server(error)),
        CallError::NotSent(reason) => TransportError::NotSent(reason),
        CallError::Indeterminate(reason) => TransportError::Indeterminate(reason),
    }
}

/// fred handles channels as text and drops messages on any other channel.
fn texts(channels: &[Bytes]) -> Result<Vec<String>, TransportError> {
    let text = |channel: &Bytes| String::from_utf8(channel.to_vec());
    channels.iter().map(text).collect::<Result<_, _>>().map_err(|_| {
        TransportError::NotSent(
            "map names that are not UTF-8 are not supported over this transport".to_owned(),
        )
    })
}

/// What a check found, as an error if it is one.
fn judge(map: &MapName, check: Check) -> Result<(), CheckError> {
    if check.too_old {
        return Err(CheckError::ServerTooOld { version: check.version });
    }
    if !check.missing.is_empty() {
        return Err(CheckError::MissingRights { rights: check.missing });
    }
    if check.wrong_type {
        return Err(CheckError::WrongType { key: map.hash_key().escape_ascii().to_string() });
    }
    Ok(())
}

/// A user who may not even run the check lacks the right that the refusal names.
fn missing_right(map: &MapName, error: TransportError) -> CheckError {
    if let TransportError::Authority(WriteError::Rejected(error)) = &error
        && let Some(right) = script::check_refused(map, error)
    {
        return CheckError::MissingRights { rights: vec![right] };
    }
    CheckError::Transport(error)
}
