//! The subscriber connection.
//!
//! rmap implements this connection itself. The library's own would pass messages through tasks and channels that cost
//! more than everything else done with them. It also drops messages that are not taken in time, treats channel names
//! as text, and does not report when a subscription is active.

mod connection;
mod due;
mod frame;
mod listening;
mod outgoing;
pub(super) mod silence;
mod sizes;
mod socket;
mod traffic;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use self::connection::Connection;
pub(super) use self::listening::Burst;
use self::listening::{Listening, Order};
use self::silence::Silence;
pub(super) use self::traffic::Traffic;
use super::error::ConnectError;
use super::failure::{CallError, Why};
use super::loss::Loss;
use super::options::RedisOptions;
use super::server::Server;

/// Bursts that may wait to be taken before reading stops.
const WAITING_BURSTS: usize = 4;

/// Orders that may wait to be sent before callers have to wait.
const WAITING_ORDERS: usize = 64;

/// Messages of one connection, in bursts.
pub(super) type Messages = mpsc::Receiver<Burst>;

/// Makes subscriptions on one connection.
#[derive(Debug)]
pub(super) struct Subscriber {
    orders: mpsc::Sender<Order>,
    traffic: Arc<Traffic>,
}

/// A command that a subscription sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum SubscriptionChange {
    Subscribe,
    Unsubscribe,
}

/// The task that owns the connection. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Listener {
    task: JoinSet<Loss>,
}

/// Connects to a server, in one attempt.
///
/// # Cancel safety
///
/// Dropping the future leaves neither a task nor a connection behind.
pub(super) async fn connect(
    options: &RedisOptions,
    server: &Server,
) -> Result<(Subscriber, Messages, Listener), ConnectError> {
    let connection = Connection::open(options, server).await?;
    let (messages, receiver) = mpsc::channel(WAITING_BURSTS);
    let (orders, requests) = mpsc::channel(WAITING_ORDERS);
    let mut task = JoinSet::new();
    let traffic = Arc::new(Traffic::default());
    let silence = Silence::new(options.silence_limit());
    task.spawn(Listening::new(connection, messages, requests, (silence, Arc::clone(&traffic))).run());
    Ok((Subscriber { orders, traffic }, receiver, Listener { task }))
}

impl Subscriber {
    /// Counts of arrivals so far.
    pub(super) const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Sends a request and waits until the server has carried it out for all channels, or refused it for all. There
    /// is no time limit, because a connection that stays silent while an answer is due is given up.
    ///
    /// # Cancel safety
    ///
    /// After the future was dropped the request may have been carried out.
    pub(super) async fn request(
        &self,
        request: SubscriptionChange,
        channels: &[Bytes],
    ) -> Result<(), CallError> {
        // Without a channel, UNSUBSCRIBE ends all subscriptions.
        if channels.is_empty() {
            return Ok(());
        }
        let (asker, answer) = oneshot::channel();
        let order = Order { command: request.command(), channels: channels.to_vec(), asker };
        let ended = || Why::Ended("it has ended".to_owned());
        self.orders.send(order).await.map_err(|_| CallError::NotSent(ended()))?;
        let answer = answer.await.map_err(|_| CallError::Indeterminate(ended()))?;
        answer.map_err(CallError::Server)
    }
}

impl SubscriptionChange {
    const fn command(self) -> &'static [u8] {
        match self {
            Self::Subscribe => b"SUBSCRIBE",
            Self::Unsubscribe => b"UNSUBSCRIBE",
        }
    }
}

impl Listener {
    /// Resolves, with the reason, when the connection is lost.
    pub(super) async fn lost(&mut self) -> Loss {
        match self.task.join_next().await {
            Some(Ok(loss)) => loss,
            Some(Err(error)) => Loss::Failed(error.to_string()),
            None => Loss::Failed("it has ended".to_owned()),
        }
    }

    /// Closes the connection.
    pub(super) async fn abort(mut self) {
        self.task.shutdown().await;
    }
}
