//! Writes that wait at the same moment, sent together: a layer for transports to which a call costs more than a write.
//!
//! A transport owns [`Groups`], has its [`write`](super::Transport::write) go through them, and says by [`SendWrites`] how one
//! write and how a group is sent. The transport to Redis does so.
//!
//! A write is sent by itself, at once, when no other of its map is in flight. Otherwise it joins those that wait, and
//! the first of them starts a task that lets whoever is ready to run join too, and sends all as one step. It does not
//! wait for anything else: several groups may be in flight. What costs least at 64 callers costs nothing at one.
//!
//! The task belongs to none of the callers, so one that goes away disturbs no other. Writes in flight at the same
//! moment have no order among each other, whether they are grouped or not. Grouping never changes an outcome: each write
//! has the one that it would have had alone, except that a server which takes no writes at all refuses even those whose
//! condition does not hold.
//!
//! These writes go by themselves: those of several keys, those that make a list, and those of which the write or its answer is
//! large ([`Write::held`]).

mod lanes;
mod order;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rmap_proto::script;
use rmap_proto::{MapName, Operation, Ttl, Write, WriteError, WriteReply};
use tokio::runtime::Handle;

use self::lanes::{Admission, Lane, Lanes, Member, Traveller, WriteResult};
use self::order::{Order, Waiting};
use super::{Cause, TransportError};

/// A larger write goes by itself: the bytes cost more than the call, and others would wait for them.
const LARGEST: usize = 8 << 10;

/// A key that holds more has its writes go by themselves: one answer that tells many such values would hold up the server
/// for long.
const LARGEST_HELD: usize = 8 << 10;

/// By how much the limit of those who wait exceeds the transport's, which has the better words for it.
const GRACE: Duration = Duration::from_millis(100);

/// Sends writes, for [`Groups`].
///
/// What these futures send must reach the authority in the order in which they were first polled: a caller that gives up
/// a write and makes another one relies on that.
pub trait SendWrites: Send + Sync + 'static {
    /// Carries out one write as one atomic step.
    ///
    /// # Errors
    ///
    /// Those of [`Transport::write`](super::Transport::write).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    fn send(
        &self,
        map: &MapName,
        write: &Write,
    ) -> impl Future<Output = Result<WriteReply, TransportError>> + Send;

    /// Carries out writes of single keys of one map as one atomic step, as if each had been sent alone after those before it;
    /// see [`script::write_group`]. Each has an outcome of its own, in this order.
    ///
    /// Where it is proved that nothing ran, it may be sent a second time, if `may_repeat` still says so then.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when the group as a whole has no outcome, or was refused: then nothing of it ran. An error that a
    /// write alone might escape has the writes sent one by one.
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

    /// How long a write may take before its outcome counts as unknown.
    fn limit(&self) -> Duration;
}

/// Groups the writes of a transport. A clone is another handle of the same.
#[derive(Debug)]
pub struct Groups<S>(Arc<Inner<S>>);

#[derive(Debug)]
struct Inner<S> {
    sender: S,
    lanes: Arc<Lanes>,
    order: Order,
    /// That of the transport; a caller's own may end first.
    runtime: Handle,
}

impl<S> Clone for Groups<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: SendWrites> Groups<S> {
    /// Groups what this sends, in tasks of the current runtime.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn new(sender: S) -> Self {
        let runtime = Handle::current();
        Self(Arc::new(Inner { sender, lanes: Arc::default(), order: Order::default(), runtime }))
    }

    /// What sends the writes.
    #[must_use]
    pub fn sender(&self) -> &S {
        &self.0.sender
    }

    /// Carries out a write, by itself or together with others.
    ///
    /// # Errors
    ///
    /// Those of [`Transport::write`](super::Transport::write).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll leaves the outcome unknown, of this write only.
    pub async fn write(&self, map: &MapName, write: &Write) -> Result<WriteReply, TransportError> {
        let Inner { sender, lanes, order, .. } = &*self.0;
        let Some(bytes) = size_in_group(write) else { return sender.send(map, write).await };
        let lane = Lane { map: map.clone(), ttl: write.ttl };
        match lanes.admit(lane, write, bytes) {
            Admission::Alone(_traveller) => sender.send(map, write).await,
            Admission::Waits { outcome, flush } => {
                if let Some(flush) = flush {
                    Flusher { groups: self.clone(), traveller: flush }.start();
                }
                self.hear(Waiting::new(outcome, order.clone())).await
            }
        }
    }

    /// The time limit counts from here, as that of a write by itself does.
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

/// How many bytes a write brings into a group; `None`: it goes by itself.
fn size_in_group(write: &Write) -> Option<usize> {
    let bytes = script::group_size(&write.operation)?;
    (bytes <= LARGEST && write.held <= LARGEST_HELD).then_some(bytes)
}

/// The task that sends the writes of one lane that wait.
struct Flusher<S> {
    groups: Groups<S>,
    traveller: Traveller,
}

impl<S: SendWrites> Flusher<S> {
    fn start(self) {
        self.groups.0.runtime.clone().spawn(self.run());
    }

    async fn run(mut self) {
        // Tasks that the same reply woke have their next write ready in a moment.
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
            1 => members.remove(0).send(&self.groups.0.sender, &self.traveller.lane().map).await,
            _ => self.send(members).await,
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
        // Sent again, a write could come after the next one of its caller, if that did not wait for this one.
        let all_wait = || members.iter().all(|member| !member.outcome.is_closed());
        let outcomes = self.groups.0.sender.send_group(map, *ttl, &operations, &all_wait).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(TransportError::Authority)).collect())
    }

    /// It is proved that nothing of the group ran, so nothing is sent twice.
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
    /// Sends the write by itself, and no second time once its caller has gone away.
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

/// Nobody hears the outcome of a write whose caller has gone away.
fn answer(members: Vec<Member>, outcomes: impl Iterator<Item = WriteResult>) {
    for (member, outcome) in members.into_iter().zip(outcomes) {
        let _ = member.outcome.send(outcome);
    }
}
