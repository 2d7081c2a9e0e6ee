//! The task that keeps a pair of connections up until the transport is closed or dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::options::FredOptions;
use super::pair::{self, Links, Pair};

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What the transport is up to.
#[derive(Debug)]
pub(super) enum State {
    Connected(Arc<Pair>),
    Disconnected { reason: String },
    Closed,
}

/// What the supervisor is asked to do. The end of these requests means that the transport was dropped.
#[derive(Debug)]
pub(super) enum Control {
    /// Replace the pair with this number, unless that has happened already.
    Replace {
        number: u64,
        reason: String,
    },
    Close,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    options: FredOptions,
    state: watch::Sender<State>,
    control: mpsc::UnboundedReceiver<Control>,
    /// Pairs in a row that could not be made or did not last.
    failures: u32,
    /// The pause before the last attempt.
    delay: Duration,
    random: fastrand::Rng,
}

/// Why a pair is given up, or an attempt to make one.
enum End {
    Replaced(String),
    Closed,
}

impl Supervisor {
    pub(super) fn new(
        options: FredOptions,
        state: watch::Sender<State>,
        control: mpsc::UnboundedReceiver<Control>,
    ) -> Self {
        Self { options, state, control, failures: 0, delay: Duration::ZERO, random: fastrand::Rng::new() }
    }

    pub(super) async fn run(mut self, pair: Arc<Pair>, links: Links) {
        let mut next = Some((pair, links));
        while let Some((pair, links)) = next {
            let number = pair.number() + 1;
            next = match self.keep(&pair, links).await {
                End::Replaced(_) => self.reconnect(number).await,
                End::Closed => None,
            };
        }
        tracing::debug!("closed");
        self.state.send_replace(State::Closed);
    }

    /// Watches a pair until it is lost, to be replaced, or to be closed, and then closes its connections.
    async fn keep(&mut self, pair: &Arc<Pair>, mut links: Links) -> End {
        let since = Instant::now();
        self.state.send_replace(State::Connected(Arc::clone(pair)));
        tracing::info!(connection = pair.number(), address = pair.address(), "connected");
        let end = self.watch(pair, &mut links).await;
        // A pair that outlived the pause before it was worth the wait; otherwise the pauses go on growing.
        if since.elapsed() > self.delay {
            self.failures = 0;
        }
        match &end {
            End::Replaced(reason) => {
                tracing::warn!(connection = pair.number(), reason, "disconnected");
                self.state.send_replace(State::Disconnected { reason: reason.clone() });
                pair.give_up();
                links.abort().await;
            }
            End::Closed => {
                self.state.send_replace(State::Disconnected { reason: "closed".to_owned() });
                links.finish(self.options.command_limit()).await;
                pair.give_up();
            }
        }
        end
    }

    async fn watch(&mut self, pair: &Pair, links: &mut Links) -> End {
        let asked = async {
            loop {
                match self.control.recv().await {
                    Some(Control::Replace { number, reason }) if number == pair.number() => {
                        return End::Replaced(reason);
                    }
                    Some(Control::Replace { .. }) => {}
                    Some(Control::Close) | None => return End::Closed,
                }
            }
        };
        tokio::select! {
            reason = links.lost() => End::Replaced(reason),
            end = asked => end,
        }
    }

    /// Makes the next pair, however long that takes; `None` when the transport is closed before.
    async fn reconnect(&mut self, number: u64) -> Option<(Arc<Pair>, Links)> {
        loop {
            self.delay = self.next_delay();
            let delay = self.delay;
            let options = self.options.clone();
            let attempt = async {
                tokio::time::sleep(delay).await;
                pair::connect(&options, number).await
            };
            let result = tokio::select! {
                result = attempt => result,
                () = closed(&mut self.control) => return None,
            };
            match result {
                Ok((pair, links)) => return Some((Arc::new(pair), links)),
                Err(error) => {
                    tracing::debug!(%error, "still disconnected");
                    self.state.send_replace(State::Disconnected { reason: error.to_string() });
                }
            }
        }
    }

    /// Doubles from attempt to attempt up to a limit; the jitter takes off up to half of it.
    fn next_delay(&mut self) -> Duration {
        let full = FIRST_DELAY.saturating_mul(1 << self.failures.min(10)).min(LONGEST_DELAY);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(0.5 + self.random.f64() / 2.0)
    }
}

/// Resolves when the transport is closed or dropped; there is no pair that could be replaced.
async fn closed(control: &mut mpsc::UnboundedReceiver<Control>) {
    while let Some(Control::Replace { .. }) = control.recv().await {}
}
