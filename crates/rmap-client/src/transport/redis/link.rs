//! One fred client and the task that drives its connection, from its start to its end.
//!
//! A link is never connected again once it is lost: see the [module above](super).

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::{Error, ErrorKind};
use ::fred::interfaces::ClientLike;
use ::fred::types::{ClientState, ClusterHash, ConnectHandle, CustomCommand, Value};
use rmap_proto::ServerError;

use super::loss::Loss;
use super::reply;

/// A connected client. Dropping it aborts its task and so closes the connection.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    task: Task,
}

impl Link {
    /// Connects a client, in one attempt.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves neither a task nor a connection behind.
    pub(super) async fn open(client: Client) -> Result<Self, Error> {
        let waiter = client.clone();
        let mut connected = pin!(waiter.wait_for_connect());
        // The first poll registers the wait: registered after the start it could miss the event.
        let first = poll_fn(|cx| Poll::Ready(connected.as_mut().poll(cx))).await;
        // From here on dropping the link cleans up.
        let mut link = Self { task: Task::start(&client), client };
        if first.is_pending() {
            tokio::select! {
                biased;
                // After a failure the task ends as well, with the same error.
                Ok(()) = &mut connected => {}
                error = link.task.ended() => return Err(error),
            }
        }
        Ok(link)
    }

    /// Sends PING and tells what the server says.
    pub(super) async fn ping(&mut self) -> Result<Result<(), ServerError>, Error> {
        let client = self.client.clone();
        let command = CustomCommand::new_static("PING", ClusterHash::Random, false);
        let frame = tokio::select! {
            biased;
            frame = client.custom_raw(command, Vec::<Value>::new()) => frame?,
            // fred would not answer any more.
            error = self.task.ended() => return Err(error),
        };
        let unknown = |kind| Error::new(ErrorKind::Protocol, format!("the server answered PING with {kind}"));
        Ok(reply::read(frame).map_err(unknown)?.map(drop))
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Resolves, with the reason, when the connection is lost.
    pub(super) async fn lost(&mut self) -> Loss {
        Loss::from_fred(&self.task.ended().await)
    }

    /// Closes the connection, with what is in flight on it.
    pub(super) async fn abort(mut self) {
        self.stop();
        self.task.ended().await;
    }

    /// Waits for what is in flight, but not longer than `limit`, and closes the connection.
    pub(super) async fn finish(mut self, limit: Duration) {
        if self.is_up() {
            let _ = tokio::time::timeout(limit, async {
                let _ = self.client.quit().await;
                self.task.ended().await
            })
            .await;
        }
        self.abort().await;
    }

    /// Ends all tasks of the client without waiting for them.
    fn stop(&self) {
        if self.renews_credentials() && self.is_up() {
            // The first step of this tells the task that renews credentials to end; nothing else does. The rest of it would
            // wait for the connection, which is not to be waited for.
            let _ = pin!(self.client.quit()).poll(&mut Context::from_waker(Waker::noop()));
        }
        self.task.handle.abort();
    }

    /// Whether QUIT has anything to end. fred warns of one that has not.
    fn is_up(&self) -> bool {
        self.client.state() == ClientState::Connected && !self.task.ended && !self.task.handle.is_finished()
    }

    fn renews_credentials(&self) -> bool {
        let provider = self.client.client_config().credential_provider;
        provider.is_some_and(|provider| provider.refresh_interval().is_some())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task that owns the socket, the commands in flight, and the queue of those to be sent.
#[derive(Debug)]
struct Task {
    handle: ConnectHandle,
    ended: bool,
}

impl Task {
    fn start(client: &Client) -> Self {
        Self { handle: client.connect(), ended: false }
    }

    /// Resolves when the task has ended, with the reason.
    async fn ended(&mut self) -> Error {
        let result = if self.ended { Ok(Ok(())) } else { (&mut self.handle).await };
        self.ended = true;
        match result {
            Ok(Ok(())) => Error::new_canceled(),
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        }
    }
}
