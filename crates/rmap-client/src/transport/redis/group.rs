//! Writes that wait at the same moment, sent together.
//!
//! A write is sent by itself, at once, when no other of its map is under way. Otherwise it joins those that wait, and
//! the first of them starts a task that lets whoever is ready to run join too, and sends all as one script. It does not
//! wait for anything else: several groups may be under way. What costs least at 64 callers costs nothing at one.
//!
//! The task belongs to none of the callers, so one that goes away disturbs no other. Writes under way at the same
//! moment have no order among each other, whether they are grouped or not.

mod lanes;
mod order;
mod verdict;

use std::sync::Arc;

use rmap_proto::script;
use rmap_proto::{MapName, Operation, Write, Written};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::lanes::{Admission, Lane, Lanes, UnderWay};
use self::order::{Order, Waiting};
use super::super::TransportError;
use super::calls::{Calls, unexpected};
use super::commands::GRACE;

/// The outcome of one write.
type Outcome = Result<Written, TransportError>;

/// A larger write goes by itself: the bytes cost more than the call, and others would wait for them.
const LARGEST: usize = 8 << 10;

/// Groups the writes of a transport. A clone is another handle of the same.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    calls: Calls,
    lanes: Arc<Lanes>,
    order: Order,
    /// That of the transport; a caller's own may end first.
    runtime: Handle,
}

/// A write that waits to be sent.
#[derive(Debug)]
struct Member {
    write: Write,
    bytes: usize,
    outcome: oneshot::Sender<Outcome>,
}

impl Groups {
    /// Must be called inside of a tokio runtime.
    pub(super) fn new(calls: Calls) -> Self {
        Self { calls, lanes: Arc::default(), order: Order::default(), runtime: Handle::current() }
    }

    /// Carries out a write, by itself or together with others.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome unknown, of this write only.
    pub(super) async fn write(&self, map: &MapName, write: &Write) -> Outcome {
        let Some(bytes) = script::group_size(&write.operation).filter(|bytes| *bytes <= LARGEST) else {
            return self.calls.write(map, write).await;
        };
        let lane = Lane { map: map.clone(), ttl: write.ttl };
        match self.lanes.admit(lane, write, bytes) {
            Admission::Alone(_under_way) => self.calls.write(map, write).await,
            Admission::Waits { outcome, flush } => {
                if let Some(flush) = flush {
                    Flusher { groups: self.clone(), under_way: flush }.start();
                }
                self.hear(Waiting::new(outcome, self.order.clone())).await
            }
        }
    }

    /// The time limit counts from here, as that of a write by itself does.
    async fn hear(&self, outcome: Waiting<Outcome>) -> Outcome {
        let indeterminate = |reason| Err(TransportError::Indeterminate(reason));
        match tokio::time::timeout(self.calls.limit + GRACE, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => indeterminate("the runtime has ended".to_owned()),
            Err(_) => indeterminate(format!("the server did not reply within {:?}", self.calls.limit)),
        }
    }
}

/// The task that sends the writes of one lane that wait.
struct Flusher {
    groups: Groups,
    under_way: UnderWay,
}

impl Flusher {
    fn start(self) {
        self.groups.runtime.clone().spawn(self.run());
    }

    async fn run(mut self) {
        // Tasks that the same reply woke have their next write ready in a moment.
        tokio::task::yield_now().await;
        self.groups.order.clone().keep(self.flush()).await;
    }

    async fn flush(&mut self) {
        let (mut members, more) = self.under_way.take();
        if let Some(under_way) = more {
            Self { groups: self.groups.clone(), under_way }.start();
        }
        match members.len() {
            0 => {}
            1 => members.remove(0).send(&self.groups.calls, &self.under_way.lane().map).await,
            _ => self.send(members).await,
        }
    }

    async fn send(&self, members: Vec<Member>) {
        match self.call(&members).await {
            Ok(outcomes) => answer(members, outcomes.into_iter()),
            Err(error) if verdict::is_of_each(&error) => {
                answer(members, std::iter::repeat(Err(error)));
            }
            Err(error) => {
                tracing::debug!(map = %self.under_way.lane().map, %error, "a group was refused, its writes go one by one");
                self.send_one_by_one(members);
            }
        }
    }

    async fn call(&self, members: &[Member]) -> Result<Vec<Outcome>, TransportError> {
        let Lane { map, ttl } = self.under_way.lane();
        tracing::trace!(%map, writes = members.len(), "sent together");
        let operations: Vec<&Operation> = members.iter().map(|member| &member.write.operation).collect();
        let invocation = script::write_group(map, *ttl, &operations);
        let invocation = invocation.ok_or_else(|| TransportError::NotSent("not for a group".to_owned()))?;
        // Sent again, a write could come after the next one of its caller, if that did not wait for this one.
        let all_wait = || members.iter().all(|member| !member.outcome.is_closed());
        let calls = &self.groups.calls;
        let reply = calls.invoke_while(&*calls.pair()?, invocation, &all_wait).await?;
        let outcomes = script::decode_group(&operations, reply).map_err(unexpected)?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(TransportError::Authority)).collect())
    }

    /// It is proved that nothing of the group ran, so nothing is sent twice.
    fn send_one_by_one(&self, members: Vec<Member>) {
        for member in members {
            let (groups, map) = (self.groups.clone(), self.under_way.lane().map.clone());
            self.groups
                .runtime
                .spawn(async move { groups.order.keep(member.send(&groups.calls, &map)).await });
        }
    }
}

impl Member {
    /// Sends the write by itself, and no second time once its caller has gone away.
    async fn send(mut self, calls: &Calls, map: &MapName) {
        let outcome = tokio::select! {
            biased;
            () = self.outcome.closed() => return,
            outcome = calls.write(map, &self.write) => outcome,
        };
        // The caller may have gone away this very moment.
        let _ = self.outcome.send(outcome);
    }
}

/// Nobody hears the outcome of a write whose caller has gone away.
fn answer(members: Vec<Member>, outcomes: impl Iterator<Item = Outcome>) {
    for (member, outcome) in members.into_iter().zip(outcomes) {
        let _ = member.outcome.send(outcome);
    }
}
