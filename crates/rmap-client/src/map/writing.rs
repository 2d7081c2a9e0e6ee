//! A write as a value: nothing is sent before it is polled.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rmap_proto::{Operation, Write};
use tracing::Span;

use super::Map;
use super::follow::Shows;
use super::intent::Intent;
use super::kind::Kind;
use crate::transport::{BoxFuture, Cause, TransportError};
use crate::{Error, Outcome};

/// A write that is sent when it is first polled. All [writes](Map#writes) of a map and
/// [`Batch::commit`](crate::Batch::commit) return one.
///
/// It is a future. Await it, or give it to `tokio::join!`, `select!` or `tokio::spawn`; it borrows nothing.
/// [`visible`](Self::visible) turns it into a future that also waits until this replica shows the write.
///
/// The type parameter, one of the types in [`kind`](crate::kind), decides its output.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let (set, counted) = tokio::try_join!(map.set("dark-mode", "on"), map.inc("switches", 1))?;
/// assert_eq!((set.previous, counted.value), (None, 1));
///
/// map.delete("dark-mode").visible().await?;
/// assert_eq!(map.get("dark-mode"), None);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is written until it is awaited"]
pub struct Writing<K> {
    pub(super) sending: Sending,
    kind: PhantomData<fn() -> K>,
}

/// A write of any kind.
pub(super) struct Sending {
    pub(super) map: Map,
    /// A content beside the map's that must show the write before it counts as visible.
    pub(super) shown_by: Option<Arc<dyn Shows>>,
    stage: Stage,
}

enum Stage {
    /// The write is not sent yet.
    New(Operation),
    /// The input was bad, so the write is never sent.
    Refused(Box<Error>),
    Sent(InFlight),
    Done,
}

/// A write that was given to the transport.
struct InFlight {
    answer: BoxFuture<'static, Result<rmap_proto::WriteReply, TransportError>>,
    intent: Intent,
    span: Span,
}

impl<K: Kind> Writing<K> {
    pub(super) fn new(map: &Map, operation: Result<Operation, Error>) -> Self {
        let stage = operation.map_or_else(|error| Stage::Refused(Box::new(error)), Stage::New);
        Self { sending: Sending { map: map.clone(), shown_by: None, stage }, kind: PhantomData }
    }

    /// A write with bad input.
    pub(crate) fn refused(map: &Map, error: Error) -> Self {
        Self::new(map, Err(error))
    }

    pub(crate) fn shown_by(mut self, content: Arc<dyn Shows>) -> Self {
        self.sending.shown_by = Some(content);
        self
    }
}

impl<K: Kind> Future for Writing<K> {
    type Output = Result<K::Output, Error>;

    /// # Panics
    ///
    /// Panics when polled after completion.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (intent, answer) = ready!(self.sending.poll(context))?;
        Poll::Ready(output::<K>(&intent, answer))
    }
}

impl<K> fmt::Debug for Writing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing(")?;
        self.sending.describe(f)?;
        f.write_str(")")
    }
}

/// Converts an answer into the output of the write's kind.
pub(super) fn output<K: Kind>(intent: &Intent, answer: rmap_proto::WriteReply) -> Result<K::Output, Error> {
    K::output(intent, answer).ok_or_else(|| {
        let problem = "the reply lacks the result".to_owned();
        intent.during().fail(TransportError::Indeterminate(Cause::UnexpectedReply { problem }))
    })
}

impl Sending {
    /// The operation, until it is sent.
    pub(super) const fn unsent(&self) -> Option<&Operation> {
        match &self.stage {
            Stage::New(operation) => Some(operation),
            Stage::Refused(_) | Stage::Sent(_) | Stage::Done => None,
        }
    }

    /// # Panics
    ///
    /// Panics when polled after completion.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Intent, rmap_proto::WriteReply), Error>> {
        let ended = ready!(self.poll_outcome(context));
        let outcome = match &ended {
            Ok((_, answer)) if answer.applied => Outcome::Committed,
            Ok(_) => Outcome::NotApplied,
            // Nothing was sent where the error is that of no write.
            Err(error) => error.outcome().unwrap_or(Outcome::Rejected),
        };
        self.map.0.source.tallies.count(outcome);
        Poll::Ready(ended)
    }

    fn poll_outcome(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Intent, rmap_proto::WriteReply), Error>> {
        let (polled, call) = match mem::replace(&mut self.stage, Stage::Done) {
            Stage::New(operation) => self.send(operation, context)?,
            Stage::Sent(mut call) => {
                let runtime = self.map.0.client.runtime();
                match runtime.enter(true, || call.poll(context)) {
                    Ok(polled) => (polled, call),
                    Err(ended) => return Poll::Ready(Err(call.intent.cut_off(ended))),
                }
            }
            Stage::Refused(error) => return Poll::Ready(Err(*error)),
            Stage::Done => panic!("a write was polled after completion"),
        };
        match polled {
            Poll::Pending => {
                self.stage = Stage::Sent(call);
                Poll::Pending
            }
            Poll::Ready(Ok(answer)) => Poll::Ready(Ok((call.intent, answer))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(call.intent.failed(error))),
        }
    }

    /// Gives the write to the transport, inside the client's runtime.
    fn send(
        &self,
        operation: Operation,
        context: &mut Context<'_>,
    ) -> Result<(Poll<Result<rmap_proto::WriteReply, TransportError>>, InFlight), Error> {
        let map = &self.map;
        map.check_open(&operation)?;
        let intent = Intent::by(map.name(), &operation);
        let span = tracing::debug_span!("write", map = %map.name(), operation = intent.operation);
        let held = map.held(&operation)?;
        let write = Write::new(operation, map.0.ttl).lists(map.0.settings.lists).held(held);
        let client = &map.0.client;
        let sent = client.runtime().enter(false, || {
            let _entered = span.enter();
            let mut answer = Arc::clone(client.transport()).write(map.name().clone(), write);
            (answer.as_mut().poll(context), answer)
        });
        match sent {
            Ok((polled, answer)) => Ok((polled, InFlight { answer, intent, span })),
            Err(ended) => Err(intent.cut_off(ended)),
        }
    }

    pub(super) fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::New(operation) => write!(f, "{operation:?}, not sent"),
            Stage::Refused(error) => write!(f, "refused: {error}"),
            Stage::Sent(call) => write!(f, "{}, sent", call.intent.operation),
            Stage::Done => f.write_str("done"),
        }
    }
}

/// A write that is dropped while it is in flight has an outcome that nobody learns.
impl Drop for Sending {
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Sent(_)) {
            self.map.0.source.tallies.count(Outcome::Indeterminate);
        }
    }
}

impl InFlight {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<rmap_proto::WriteReply, TransportError>> {
        let _entered = self.span.enter();
        self.answer.as_mut().poll(context)
    }
}
