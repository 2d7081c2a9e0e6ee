//! Sends concurrent writes together: a layer for transports to which a call costs more than a write.
//!
//! A transport owns [`Groups`], passes each [`write`](super::Transport::write) through them, and implements
//! [`SendWrites`] to send one write or a group. The transport to Redis does so.
//!
//! A write is sent alone and at once when no other write of its map is in flight. Otherwise it joins the waiting
//! writes. The first waiting write starts a task, which lets other tasks that are ready to run add theirs, and then
//! sends all of them as one step. The task waits for nothing else, so several groups may be in flight, and a single
//! caller never waits.
//!
//! The task belongs to none of the callers, so a caller that goes away disturbs no other. Writes in flight at the
//! same moment have no order among each other, grouped or not. Grouping never changes an outcome. One exception: a
//! read-only server rejects every write of the group, even one whose condition would have failed.
//!
//! Some writes are always sent alone: writes of several keys, writes of lists, and writes that are large or have a
//! large answer ([`Write::held`]).

mod lanes;
mod order;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmap_proto::script;
use rmap_proto::{MapName, Operation, Ttl, Write, WriteError, WriteReply};
use tokio::runtime::Handle;

use self::lanes::{Admission, Lane, Lanes, Member, Traveller, WriteResult};
use self::order::{Order, Waiting};
use super::{Cause, GroupStats, TransportError};

/// Largest write in a group. For a larger one the bytes cost more than the call, and other writes would wait for
/// them.
const LARGEST: usize = 8 << 10;

/// Largest value of a key whose writes are grouped. One answer with many larger values would block the server for
/// long.
const LARGEST_HELD: usize = 8 << 10;

/// Extra time for waiting callers, so that the transport's own timeout, which has the better message, comes first.
const GRACE: Duration = Duration::from_millis(100);

/// Sends writes, for [`Groups`].
///
/// Requests must reach the authority in the order in which their futures were first polled. A caller that gives up a
/// write and makes another one relies on that order.
pub trait SendWrites: Send + Sync + 'static {
    /// Carries out one write as one atomic step.
    ///
    /// # Errors
    ///
    /// [`TransportError`] says what is known of the outcome, as for [`Transport::write`](super::Transport::write).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    fn send(
        &self,
        map: &MapName,
        write: &Write,
    ) -> impl Future<Output = Result<WriteReply, TransportError>> + Send;

    /// Carries out writes of single keys of one map as one atomic step, as if each had been sent alone, in this
    /// order; see [`script::write_group`]. Returns one outcome for each write, in the same order.
    ///
    /// When it is proved that nothing ran, the group may be sent a second time if `may_repeat` then returns true.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when the outcome of the whole group is unknown, or when it was refused and nothing ran.
    /// After a refusal that a single write might escape, the writes are sent one by one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves all outcomes unknown.
    fn send_group(
        &self,
        map: &MapName,
        ttl: Ttl,
        operations: &[&Operation],
        may_repeat: &(dyn Fn() -> bool + Send + Sync),
    ) -> impl Future<Output = Result<Vec<Result<WriteReply, WriteError>>, TransportError>> + Send;

    /// Longest time to wait for a write before its outcome counts as unknown.
    fn limit(&self) -> Duration;
}

/// Groups the writes of a transport. A clone is another handle of the same groups.
#[derive(Debug)]
pub struct Groups<S>(Arc<Inner<S>>);

/// Counts what is sent, once per call to the server.
#[derive(Debug, Default)]
struct Calls {
    alone: AtomicU64,
    groups: AtomicU64,
    grouped: AtomicU64,
    largest: AtomicU64,
}

impl Calls {
    fn count(&self, writes: usize) {
        if writes == 1 {
            self.alone.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let writes = writes as u64;
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.grouped.fetch_add(writes, Ordering::Relaxed);
        self.largest.fetch_max(writes, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Inner<S> {
    sender: S,
    lanes: Arc<Lanes>,
    order: Order,
    calls: Calls,
    /// The transport's runtime, because a caller's runtime may end first.
    runtime: Handle,
}

impl<S> Clone for Groups<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: SendWrites> Groups<S> {
    /// Groups writes and sends them through `sender`, in tasks of the current runtime.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn new(sender: S) -> Self {
        let runtime = Handle::current();
        Self(Arc::new(Inner {
            sender,
            lanes: Arc::default(),
            order: Order::default(),
            calls: Calls::default(),
            runtime,
        }))
    }

    /// The sender of the writes.
    #[must_use]
    pub fn sender(&self) -> &S {
        &self.0.sender
    }

    /// Counts of writes sent alone and together so far.
    #[must_use]
    pub fn stats(&self) -> GroupStats {
        let Calls { alone, groups, grouped, largest } = &self.0.calls;
        let [alone, groups, grouped, largest] =
            [alone, groups, grouped, largest].map(|count| count.load(Ordering::Relaxed));
        GroupStats { alone, groups, grouped, largest }
    }

    /// Carries out a write, alone or together with others.
    ///
    /// # Errors
    ///
    /// [`TransportError`] says what is known of the outcome, as for [`Transport::write`](super::Transport::write).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome of this write unknown, and of no other.
    pub async fn write(&self, map: &MapName, write: &Write) -> Result<WriteReply, TransportError> {
        let Inner { sender, lanes, order, calls, .. } = &*self.0;
        let Some(bytes) = size_in_group(write) else {
            calls.count(1);
            return sender.send(map, write).await;
        };
        let lane = Lane { map: map.clone(), ttl: write.ttl };
        match lanes.admit(lane, write, bytes) {
            Admission::Alone(_traveller) => {
                calls.count(1);
                sender.send(map, write).await
            }
            Admission::Waits { outcome, flush } => {
                if let Some(flush) = flush {
                    Flusher { groups: self.clone(), traveller: flush }.start();
                }
                self.hear(Waiting::new(outcome, order.clone())).await
            }
        }
    }

    /// Waits for the outcome. The time limit counts from here, like that of a write that is sent alone.
    async fn hear(&self, outcome: Waiting<WriteResult>) -> WriteResult {
        let indeterminate = |cause| Err(TransportError::Indeterminate(cause));
        let limit = self.0.sender.limit();
        match tokio::time::timeout(limit + GRACE, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => indeterminate(Cause::RuntimeEnded),
            Err(_) => indeterminate(Cause::TimedOut { address: None, limit }),
        }
    }
}

/// Bytes that a write adds to a group; `None` for a write that is sent alone.
fn size_in_group(write: &Write) -> Option<usize> {
    // The script of a group without sidecars would leave the leases of its keys as they are.
    if write.leases {
        return None;
    }
    let bytes = script::group_size(&write.operation)?;
    (bytes <= LARGEST && write.held <= LARGEST_HELD).then_some(bytes)
}

/// The task that sends the waiting writes of one lane.
struct Flusher<S> {
    groups: Groups<S>,
    traveller: Traveller,
}

impl<S: SendWrites> Flusher<S> {
    fn start(self) {
        self.groups.0.runtime.clone().spawn(self.run());
    }

    async fn run(mut self) {
        // Tasks woken by the same reply have their next write ready in a moment.
        tokio::task::yield_now().await;
        self.groups.0.order.clone().keep(self.flush()).await;
    }

    async fn flush(&mut self) {
        let (mut members, more) = self.traveller.take();
        if let Some(traveller) = more {
            Self { groups: self.groups.clone(), traveller }.start();
        }
        match members.len() {
            0 => {}
            1 => {
                self.groups.0.calls.count(1);
                members.remove(0).send(&self.groups.0.sender, &self.traveller.lane().map).await;
            }
            writes => {
                self.groups.0.calls.count(writes);
                self.send(members).await;
            }
        }
    }

    async fn send(&self, members: Vec<Member>) {
        match self.call(&members).await {
            Ok(outcomes) => answer(members, outcomes.into_iter()),
            Err(error) if refusal::is_of_each(&error) => {
                answer(members, std::iter::repeat(Err(error)));
            }
            Err(error) => {
                tracing::debug!(map = %self.traveller.lane().map, %error, "a group was refused, its writes go one by one");
                self.send_one_by_one(members);
            }
        }
    }

    async fn call(&self, members: &[Member]) -> Result<Vec<WriteResult>, TransportError> {
        let Lane { map, ttl } = self.traveller.lane();
        tracing::trace!(%map, writes = members.len(), "sent together");
        let operations: Vec<&Operation> = members.iter().map(|member| &member.write.operation).collect();
        // A write that is sent again could overtake the next write of its caller, unless the caller still waits.
        let all_wait = || members.iter().all(|member| !member.outcome.is_closed());
        let outcomes = self.groups.0.sender.send_group(map, *ttl, &operations, &all_wait).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(TransportError::Authority)).collect())
    }

    /// Sends each write alone. Called only when it is proved that nothing of the group ran, so no write is sent
    /// twice.
    fn send_one_by_one(&self, members: Vec<Member>) {
        for member in members {
            let (groups, map) = (self.groups.clone(), self.traveller.lane().map.clone());
            self.groups.0.runtime.spawn(async move {
                let Inner { sender, order, .. } = &*groups.0;
                order.keep(member.send(sender, &map)).await;
            });
        }
    }
}

impl Member {
    /// Sends the write alone, and never a second time after its caller has gone away.
    async fn send(mut self, sender: &impl SendWrites, map: &MapName) {
        let outcome = tokio::select! {
            biased;
            () = self.outcome.closed() => return,
            outcome = sender.send(map, &self.write) => outcome,
        };
        // The caller may have gone away this very moment.
        let _ = self.outcome.send(outcome);
    }
}

/// Hands the outcomes to the callers that still wait.
fn answer(members: Vec<Member>, outcomes: impl Iterator<Item = WriteResult>) {
    for (member, outcome) in members.into_iter().zip(outcomes) {
        let _ = member.outcome.send(outcome);
    }
}
