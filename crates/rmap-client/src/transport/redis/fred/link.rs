//! One client of fred and the task that drives its connection, from its start to its end.
//!
//! A link is never connected again once it is lost: see the [module above](super).

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::Error;
use ::fred::interfaces::ClientLike;
use ::fred::types::{ClientState, ConnectHandle};

use super::super::loss::Loss;
use super::commands::Commands;
use super::meaning::FredError;
use super::reply::Answer;
use super::target::Target;

/// A connected client. Dropping it aborts its task and so closes the connection.
#[derive(Debug)]
pub(in super::super) struct Link {
    commands: Commands,
    task: Task,
}

impl Link {
    /// Connects to a server or a cluster, in one attempt; `step_limit` bounds each of its steps.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves neither a task nor a connection behind.
    pub(in super::super) async fn open(target: &Target, step_limit: Duration) -> Result<Self, FredError> {
        let client = target.client(step_limit);
        let waiter = client.clone();
        let mut connected = pin!(waiter.wait_for_connect());
        // The first poll registers the wait. Registered after the start, it could miss the event.
        let first = poll_fn(|cx| Poll::Ready(connected.as_mut().poll(cx))).await;
        // From here on dropping the link cleans up.
        let mut link = Self { task: Task::start(&client), commands: Commands(client) };
        if first.is_pending() {
            tokio::select! {
                biased;
                // After a failure the task ends as well, with the same error.
                Ok(()) = &mut connected => {}
                error = link.task.ended() => return Err(FredError(error)),
            }
        }
        Ok(link)
    }

    /// Sends PING and returns the server's answer.
    pub(in super::super) async fn ping(&mut self) -> Result<Answer, FredError> {
        let commands = self.commands.clone();
        tokio::select! {
            biased;
            answer = commands.ask("PING") => answer,
            // fred would never answer.
            error = self.task.ended() => Err(FredError(error)),
        }
    }

    pub(in super::super) const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Resolves, with the reason, when the connection is lost.
    pub(in super::super) async fn lost(&mut self) -> Loss {
        FredError(self.task.ended().await).loss()
    }

    /// Closes the connection, with what is in flight on it.
    pub(in super::super) async fn abort(mut self) {
        self.stop();
        self.task.ended().await;
    }

    /// Waits for what is in flight, but not longer than `limit`, and closes the connection.
    pub(in super::super) async fn finish(mut self, limit: Duration) {
        if self.is_up() {
            let _ = tokio::time::timeout(limit, async {
                let _ = self.commands.0.quit().await;
                self.task.ended().await
            })
            .await;
        }
        self.abort().await;
    }

    /// Ends all tasks of the client without waiting for them.
    fn stop(&self) {
        if self.renews_credentials() && self.is_up() {
            // Its first step stops the task that renews credentials, and nothing else does. The other steps would
            // wait for the connection, so they are not polled.
            let _ = pin!(self.commands.0.quit()).poll(&mut Context::from_waker(Waker::noop()));
        }
        self.task.handle.abort();
    }

    /// True if QUIT has a connection to end; otherwise fred logs a warning.
    fn is_up(&self) -> bool {
        self.commands.0.state() == ClientState::Connected
            && !self.task.ended
            && !self.task.handle.is_finished()
    }

    fn renews_credentials(&self) -> bool {
        let provider = self.commands.0.client_config().credential_provider;
        provider.is_some_and(|provider| provider.refresh_interval().is_some())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task that owns the socket, the commands in flight, and the queue of unsent commands.
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
