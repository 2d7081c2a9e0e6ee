//! One pair of connections, from its start until it is given up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::fred::{Commands, Link};
use super::loss::Loss;
use super::sentinel::Master;
use super::server::Server;
use super::subscriber::{Listener, Messages, Subscriber};
use crate::transport::Received;

/// The callers' part of a pair of connections.
#[derive(Debug)]
pub(super) struct Pair {
    number: u64,
    address: String,
    commands: Commands,
    subscriber: Subscriber,
    messages: Mutex<Option<Messages>>,
    /// The reason for which the pair was given up, if it was.
    lost: watch::Sender<Option<Arc<str>>>,
    /// Whole replies on the command connection. `None` if there may be several such connections.
    replies: Option<AtomicU64>,
}

/// The supervisor's part of a pair: both connections, and the sentinel that vouches for the server.
#[derive(Debug)]
pub(super) struct Links {
    commands: Link,
    subscriber: Listener,
    master: Option<Master>,
}

impl Pair {
    /// Makes the callers' part of a new pair, to a single server or to a cluster.
    pub(super) fn new(
        number: u64,
        address: String,
        is_single: bool,
        commands: Commands,
        (subscriber, messages): (Subscriber, Messages),
    ) -> Self {
        Self {
            number,
            address,
            commands,
            subscriber,
            messages: Mutex::new(Some(messages)),
            lost: watch::Sender::new(None),
            replies: is_single.then(AtomicU64::default),
        }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The address of the server, or of the cluster's given nodes; for messages.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) const fn commands(&self) -> &Commands {
        &self.commands
    }

    pub(super) const fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// The messages of the subscriber connection, from the first one on. Only the first call gets them.
    pub(super) fn take_messages(&self) -> Option<Messages> {
        lock(&self.messages).take()
    }

    /// Counts a reply. On a single command connection replies come in order, so those that are due have come nearer.
    pub(super) fn count_reply(&self) {
        if let Some(replies) = &self.replies {
            replies.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts of arrivals so far.
    pub(super) fn received(&self) -> Received {
        let replies = self.replies.as_ref().map_or(0, |replies| replies.load(Ordering::Relaxed));
        let traffic = self.subscriber.traffic();
        Received {
            connection: self.number,
            commands: replies,
            subscriber: traffic.bytes(),
            pings: traffic.pings(),
        }
    }

    /// Ends the waits of all callers, because no answer will come any more.
    pub(super) fn give_up(&self, reason: &str) {
        self.lost.send_replace(Some(reason.into()));
    }

    /// Resolves, with the reason, when the pair has been given up.
    pub(super) async fn given_up(&self) -> String {
        let mut lost = self.lost.subscribe();
        let reason =
            lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.as_deref().map(str::to_owned));
        // The sender lives in this very struct, so the wait cannot fail.
        reason.unwrap_or_default()
    }
}

impl Links {
    pub(super) const fn new(commands: Link, subscriber: Listener) -> Self {
        Self { commands, subscriber, master: None }
    }

    /// Makes the pair count as lost when its server is no longer this master.
    pub(super) fn follow(&mut self, master: Master) {
        self.master = Some(master);
    }

    /// Resolves, with the reason, when one of the connections is lost or leads to the wrong server.
    pub(super) async fn lost(&mut self) -> Loss {
        tokio::select! {
            loss = self.commands.lost() => loss,
            loss = self.subscriber.lost() => loss,
            server = moved(&mut self.master) => Loss::Moved(server),
        }
    }

    /// Closes both connections, with what is in flight on them.
    pub(super) async fn abort(self) {
        tokio::join!(self.commands.abort(), self.subscriber.abort(), forget(self.master));
    }

    /// Closes both connections; commands in flight may take up to `limit` to be answered.
    pub(super) async fn finish(self, limit: Duration) {
        tokio::join!(self.commands.finish(limit), self.subscriber.abort(), forget(self.master));
    }
}

async fn moved(master: &mut Option<Master>) -> Server {
    match master {
        Some(master) => master.moved().await,
        None => std::future::pending().await,
    }
}

async fn forget(master: Option<Master>) {
    if let Some(master) = master {
        master.abort().await;
    }
}

/// No panic leaves the guarded data half changed, so poisoning is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
