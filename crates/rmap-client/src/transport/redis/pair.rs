//! One pair of connections, from when it stands to when it is given up.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::interfaces::{ClientLike, ClusterInterface};
use ::fred::types::config::Server;
use tokio::sync::watch;

use super::error::ConnectError;
use super::greeting::greeting;
use super::link::Link;
use super::loss::Loss;
use super::options::RedisOptions;
use super::sentinel::{self, Master};
use super::subscriber::{self, Listener, Messages, Subscriber};
use crate::transport::Received;

/// How long the subscriber connection may take to fail as well, after the command connection has.
const SECOND_OPINION: Duration = Duration::from_millis(500);

/// What the callers share of a pair of connections.
#[derive(Debug)]
pub(super) struct Pair {
    number: u64,
    address: String,
    commands: Client,
    subscriber: Subscriber,
    messages: Mutex<Option<Messages>>,
    /// Why it was given up, once it is.
    lost: watch::Sender<Option<Arc<str>>>,
    /// Whole replies on the command connection; `None` where there may be several such connections.
    replies: Option<AtomicU64>,
}

/// What the supervisor holds of a pair: its two connections, and who says that they lead to the right server.
#[derive(Debug)]
pub(super) struct Links {
    commands: Link,
    subscriber: Listener,
    master: Option<Master>,
}

/// Makes both connections, in one attempt.
pub(super) async fn connect(options: &RedisOptions, number: u64) -> Result<(Pair, Links), ConnectError> {
    if let Some(sentinels) = options.sentinels() {
        return sentinel::connect(&sentinels, number).await;
    }
    tokio::time::timeout(options.connect_limit(), connect_to(options, number))
        .await
        .unwrap_or_else(|_| Err(ConnectError::silent(options)))
}

/// Makes both connections to a server or a cluster, however long that takes.
pub(super) async fn connect_to(options: &RedisOptions, number: u64) -> Result<(Pair, Links), ConnectError> {
    let (commands, (subscriber, messages, listener)) = match options.server() {
        Some(server) => both(open_commands(options), subscriber::connect(options, &server)).await?,
        None => {
            let commands = open_commands(options).await?;
            let subscriber = subscribe_in_cluster(options, commands.client()).await?;
            (commands, subscriber)
        }
    };
    check_version(options, commands.client())?;
    let pair = Pair {
        number,
        address: options.address(),
        commands: commands.client().clone(),
        subscriber,
        messages: Mutex::new(Some(messages)),
        lost: watch::Sender::new(None),
        replies: options.server().map(|_| AtomicU64::default()),
    };
    Ok((pair, Links { commands, subscriber: listener, master: None }))
}

/// Waits until both connections stand, or one of them fails.
///
/// Where both fail, the error is that of the subscriber connection, whichever was first: fred says the same in other
/// words, or less.
async fn both<C, S, E>(
    commands: impl Future<Output = Result<C, E>>,
    subscriber: impl Future<Output = Result<S, E>>,
) -> Result<(C, S), E> {
    let (mut commands, mut subscriber) = (pin!(commands), pin!(subscriber));
    tokio::select! {
        biased;
        subscribed = &mut subscriber => {
            let subscribed = subscribed?;
            Ok((commands.await?, subscribed))
        }
        opened = &mut commands => match opened {
            Ok(opened) => Ok((opened, subscriber.await?)),
            Err(error) => match tokio::time::timeout(SECOND_OPINION, subscriber).await {
                Ok(Err(better)) => Err(better),
                Ok(Ok(_)) | Err(_) => Err(error),
            },
        },
    }
}

/// Makes a command connection on which the server takes commands.
pub(super) async fn open_commands(options: &RedisOptions) -> Result<Link, ConnectError> {
    let failed = |error| ConnectError::from_fred(options, &error);
    let mut link = Link::open(options.command_client()).await.map_err(failed)?;
    let answer = link.ping().await.map_err(failed)?;
    greeting(answer).map_err(|error| ConnectError::from_server(options, &error))?;
    Ok(link)
}

/// Connects to any master of a cluster: each of them is told what is published at the others.
async fn subscribe_in_cluster(
    options: &RedisOptions,
    cluster: &Client,
) -> Result<(Subscriber, Messages, Listener), ConnectError> {
    let mut masters =
        cluster.cached_cluster_state().map(|state| state.unique_primary_nodes()).unwrap_or_default();
    fastrand::shuffle(&mut masters);
    let mut failure = None;
    for server in &masters {
        match tokio::time::timeout(options.step_limit(), subscriber::connect(options, server)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failure = Some(error),
            Err(_) => failure = Some(ConnectError::silent(options)),
        }
    }
    Err(failure.unwrap_or_else(|| ConnectError::Other {
        address: options.address(),
        reason: "the cluster names no master".to_owned(),
    }))
}

/// A server may keep its version to itself; then the check of the first map finds out.
fn check_version(options: &RedisOptions, client: &Client) -> Result<(), ConnectError> {
    match client.server_version() {
        Some(version) if version.major < 7 => {
            Err(ConnectError::ServerTooOld { address: options.address(), version: version.to_string() })
        }
        _ => Ok(()),
    }
}

impl Pair {
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Where the server is, or where a cluster was looked for; for messages.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) const fn commands(&self) -> &Client {
        &self.commands
    }

    pub(super) const fn subscriber(&self) -> &Subscriber {
        &self.subscriber
    }

    /// The messages of the subscriber connection, from its first on. Only the first call gets them.
    pub(super) fn take_messages(&self) -> Option<Messages> {
        lock(&self.messages).take()
    }

    /// A reply came on the command connection. On a single one they come in order, so those that are due have come nearer.
    pub(super) fn count_reply(&self) {
        if let Some(replies) = &self.replies {
            replies.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What has arrived so far.
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

    /// Ends the waiting of all callers: no answer will come any more.
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
    /// Has the pair count as lost when this is no longer the master.
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

/// What is behind these locks is whole at every moment, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
