//! The task that maintains a pair of connections until the transport is closed or dropped.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::connect;
use super::error::ConnectError;
use super::loss::{Loss, Outage};
use super::options::RedisOptions;
use super::pair::{Links, Pair};
use super::pauses::Pauses;

/// The reason for missing connections after the transport was closed.
pub(super) const CLOSED: &str = "the client was closed";

/// The current state of the transport.
#[derive(Debug)]
pub(super) enum PairState {
    Connected {
        pair: Arc<Pair>,
        /// The reason for which the previous pair was given up.
        former: Option<Arc<str>>,
    },
    Disconnected {
        reason: Arc<str>,
    },
    Closed,
}

/// Requests to the supervisor. The end of the channel means that the transport was dropped.
#[derive(Debug)]
pub(super) enum Control {
    /// Replaces the pair with this number, unless it has already been replaced.
    Replace {
        number: u64,
        loss: Loss,
    },
    Close,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    options: RedisOptions,
    state: watch::Sender<PairState>,
    control: mpsc::UnboundedReceiver<Control>,
    pauses: Pauses,
    /// The outage that was reported last.
    outage: Option<Outage>,
}

/// The reason to give up a pair, or an attempt to make one.
enum End {
    Replaced(Loss),
    Closed,
}

impl Supervisor {
    pub(super) fn new(
        options: RedisOptions,
        state: watch::Sender<PairState>,
        control: mpsc::UnboundedReceiver<Control>,
    ) -> Self {
        Self { options, state, control, pauses: Pauses::new(), outage: None }
    }

    /// Keeps the first pair and all that follow it. Without a first pair it makes one, however long that takes.
    pub(super) async fn run(mut self, first: Option<(Arc<Pair>, Links)>) {
        let mut next = match first {
            Some(first) => Some(first),
            None => self.reconnect(1).await,
        };
        while let Some((pair, links)) = next {
            let number = pair.number() + 1;
            next = match self.keep(&pair, links).await {
                End::Replaced(_) => self.reconnect(number).await,
                End::Closed => None,
            };
        }
        tracing::debug!("closed");
        self.state.send_replace(PairState::Closed);
    }

    /// Watches a pair until it is lost, replaced or closed, and then closes its connections.
    async fn keep(&mut self, pair: &Arc<Pair>, mut links: Links) -> End {
        let since = Instant::now();
        let former = self.outage.as_ref().map(|outage| outage.reason.as_str().into());
        self.state.send_replace(PairState::Connected { pair: Arc::clone(pair), former });
        tracing::info!(connection = pair.number(), address = pair.address(), "connected");
        let end = self.watch(pair, &mut links).await;
        self.pauses.ended_after(since.elapsed());
        match &end {
            End::Replaced(loss) => {
                self.options.learn_from(loss, since.elapsed());
                let outage = loss.at(pair.address());
                tracing::warn!(connection = pair.number(), reason = outage.reason, "disconnected");
                let reason = self.begin(outage);
                pair.give_up(&reason);
                links.abort().await;
            }
            End::Closed => {
                self.state.send_replace(PairState::Disconnected { reason: CLOSED.into() });
                links.finish(self.options.command_limit()).await;
                pair.give_up(CLOSED);
            }
        }
        end
    }

    /// Starts an outage, or changes its reason.
    fn begin(&mut self, outage: Outage) -> Arc<str> {
        let reason: Arc<str> = outage.reason.as_str().into();
        self.outage = Some(outage);
        self.state.send_replace(PairState::Disconnected { reason: Arc::clone(&reason) });
        reason
    }

    async fn watch(&mut self, pair: &Pair, links: &mut Links) -> End {
        let asked = async {
            loop {
                match self.control.recv().await {
                    Some(Control::Replace { number, loss }) if number == pair.number() => {
                        return End::Replaced(loss);
                    }
                    Some(Control::Replace { .. }) => {}
                    Some(Control::Close) | None => return End::Closed,
                }
            }
        };
        tokio::select! {
            loss = links.lost() => End::Replaced(loss),
            end = asked => end,
        }
    }

    /// Makes the next pair, however long it takes; `None` when the transport is closed first.
    async fn reconnect(&mut self, number: u64) -> Option<(Arc<Pair>, Links)> {
        loop {
            let pause = self.pauses.next();
            let options = self.options.clone();
            let attempt = async {
                tokio::time::sleep(pause).await;
                connect::connect(&options, number).await
            };
            let result = tokio::select! {
                result = attempt => result,
                () = closed(&mut self.control) => return None,
            };
            match result {
                Ok((pair, links)) => return Some((Arc::new(pair), links)),
                Err(error) => self.on_failed_attempt(&error),
            }
        }
    }

    /// Attempts that fail for one cause report one reason, whatever their wording.
    fn on_failed_attempt(&mut self, error: &ConnectError) {
        let outage = Outage::of(error);
        if self.outage.as_ref().is_some_and(|standing| standing.is_like(&outage)) {
            tracing::debug!(%error, "still disconnected");
        } else {
            tracing::info!(reason = outage.reason, "still disconnected");
            self.begin(outage);
        }
    }
}

/// Resolves when the transport is closed or dropped. Ignores requests to replace a pair, because there is none.
async fn closed(control: &mut mpsc::UnboundedReceiver<Control>) {
    while let Some(Control::Replace { .. }) = control.recv().await {}
}
