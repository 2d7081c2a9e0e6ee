//! One fred client and the task that drives its connection, from its start to its end.
//!
//! A link is never connected again once it is lost: see the [module above](super).

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::error::Error;
use ::fred::interfaces::ClientLike;
use ::fred::types::ConnectHandle;

use super::error::describe;

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
        let mut task = Task::start(&client);
        if first.is_pending() {
            tokio::select! {
                biased;
                result = &mut connected => result?,
                error = task.ended() => return Err(error),
            }
        }
        Ok(Self { client, task })
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Resolves, with the reason, when the connection is lost.
    pub(super) async fn lost(&mut self) -> String {
        describe(&self.task.ended().await)
    }

    /// Closes the connection, with what is in flight on it.
    pub(super) async fn abort(mut self) {
        self.task.abort().await;
        // Only this ends the task that renews credentials, if there is one. With the task gone nothing can be sent,
        // and it fails at once.
        let _ = self.client.quit().await;
    }

    /// Waits for what is in flight, but not longer than `limit`, and closes the connection.
    pub(super) async fn finish(mut self, limit: Duration) {
        let _ = tokio::time::timeout(limit, async {
            let _ = self.client.quit().await;
            self.task.ended().await
        })
        .await;
        self.abort().await;
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

    async fn abort(&mut self) {
        self.handle.abort();
        self.ended().await;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
