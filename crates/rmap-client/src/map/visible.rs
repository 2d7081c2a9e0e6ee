//! Waiting until this replica shows one of its own writes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use rmap_core::Progress;
use rmap_proto::{Key, KeyOperation, Leaves, Operation, Revision};

use super::Map;
use super::kind::Kind;
use super::writing::{Sending, Writing, output};
use crate::Error;
use crate::transport::BoxFuture;

/// A write that becomes visible, from [`Writing::visible`](crate::Writing::visible) and
/// [`Map::set_and_wait`](crate::Map::set_and_wait).
///
/// It is a future. Poll it by reference to learn what was committed even when you give up the wait:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use std::time::Duration;
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let mut counting = map.inc("visits", 1).visible();
/// if tokio::time::timeout(Duration::from_secs(1), &mut counting).await.is_err() {
///     match counting.committed() {
///         Some(counted) => println!("committed at {}, not visible here yet", counted.revision),
///         None => println!("outcome unknown"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is written until it is awaited"]
pub struct Visible<K: Kind> {
    sending: Sending,
    /// Progress before the write was sent. `None`: the wait was requested after the write had been sent.
    before: Option<Progress>,
    trace: Trace,
    committed: Option<(K::Output, Revision)>,
    wait: Option<BoxFuture<'static, Result<(), Error>>>,
}

/// A committed write of this process that a wait looks for.
#[derive(Debug)]
struct Own {
    /// The last revision that the write made. The replica shows all changes of a batch at once.
    revision: Revision,
    before: Option<Progress>,
    trace: Trace,
}

/// Evidence in the content that the replica shows the write.
#[derive(Debug)]
enum Trace {
    Holds(Key, Bytes),
    Lacks(Key),
    /// The key holds the value that the answer will name.
    Answer(Key),
    /// The map is empty.
    Empty,
    /// The content cannot show the write.
    None,
}

impl<K: Kind> Writing<K> {
    /// Also waits until this replica shows the write. After a wait that is given up, [`Visible::committed`] still has
    /// the outcome.
    ///
    /// A write that changed nothing, because its condition did not hold or there was nothing to do, returns at once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
    /// map.batch().set("theme", "dark").inc("switches", 1).commit().visible().await?;
    /// assert_eq!(map.get("theme").unwrap(), "dark");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the write fails, see [writes](crate::Map#writes). When only the wait fails, [`Error::NotVisible`] has the
    /// committed revision.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Until the write has returned, dropping the future leaves its outcome
    /// unknown; afterwards [`Visible::committed`] has it.
    pub fn visible(self) -> Visible<K> {
        Visible::new(self.sending)
    }
}

impl<K: Kind> Visible<K> {
    fn new(sending: Sending) -> Self {
        let trace = sending.unsent().map_or(Trace::None, Trace::of);
        Self { sending, before: None, trace, committed: None, wait: None }
    }

    /// The committed write's output, also after the wait has failed or was given up. `None` before the write has
    /// returned, and for a write that changed nothing.
    #[must_use]
    pub fn committed(&self) -> Option<&K::Output> {
        self.committed.as_ref().map(|(output, _)| output)
    }

    /// Waits for the answer, and returns it at once when the write changed nothing.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<K::Output>, Error>> {
        if self.sending.unsent().is_some() {
            self.before = Some(self.sending.map.0.reader.progress());
        }
        let (intent, answer) = ready!(self.sending.poll(context))?;
        let changed = answer.batch.as_ref().map_or(1, |batch| batch.changed);
        let last = answer.revision.filter(|_| answer.applied && changed > 0);
        let trace = std::mem::replace(&mut self.trace, Trace::None).answered(answer.value.as_ref());
        let output = output::<K>(&intent, answer)?;
        let Some(last) = last else { return Poll::Ready(Ok(Some(output))) };
        let own = Own { revision: last, before: self.before, trace };
        let (map, shown_by) = (self.sending.map.clone(), self.sending.shown_by.take());
        self.wait = Some(Box::pin(async move {
            map.wait_for_own(&own).await?;
            match shown_by {
                Some(content) => content.shows().await,
                None => Ok(()),
            }
        }));
        self.committed = Some((output, last));
        Poll::Ready(Ok(None))
    }
}

impl<K: Kind> Unpin for Visible<K> {}

impl<K: Kind> Future for Visible<K> {
    type Output = Result<K::Output, Error>;

    /// # Panics
    ///
    /// Panics when polled after completion.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.committed.is_none()
            && let Some(output) = ready!(this.poll_answer(context))?
        {
            return Poll::Ready(Ok(output));
        }
        let (Some(wait), Some((output, revision))) = (&mut this.wait, &this.committed) else {
            panic!("a wait for a write was polled after completion")
        };
        let waited = ready!(wait.as_mut().poll(context));
        this.wait = None;
        Poll::Ready(match waited {
            Ok(()) => Ok(output.clone()),
            Err(cause) => Err(Error::NotVisible { revision: *revision, cause: Box::new(cause) }),
        })
    }
}

impl<K: Kind> fmt::Debug for Visible<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visible(")?;
        self.sending.describe(f)?;
        write!(f, ", committed: {:?})", self.committed())
    }
}

impl Trace {
    fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Key(operation) => Self::of_key(operation),
            Operation::Reset | Operation::Destroy | Operation::TestAndReset { .. } => Self::Empty,
            Operation::Batch(batch) => batch.steps.iter().rev().find_map(Self::of_step).unwrap_or(Self::None),
        }
    }

    fn of_key(operation: &KeyOperation) -> Self {
        let key = operation.key().clone();
        match operation.leaves() {
            Leaves::Value(value) | Leaves::ValueIf(value) => Self::Holds(key, value.clone()),
            Leaves::Nothing | Leaves::NothingIf => Self::Lacks(key),
            Leaves::Answer => Self::Answer(key),
        }
    }

    /// The evidence of a step that fixes the value of its key. A later write may replace that value; then the server
    /// is asked.
    fn of_step(step: &KeyOperation) -> Option<Self> {
        match step.leaves() {
            Leaves::Value(_) | Leaves::Nothing => Some(Self::of_key(step)),
            Leaves::ValueIf(_) | Leaves::NothingIf | Leaves::Answer => None,
        }
    }

    /// Replaces the value that the answer names by the answer itself.
    fn answered(self, value: Option<&Bytes>) -> Self {
        match (self, value) {
            (Self::Answer(key), Some(value)) => Self::Holds(key, value.clone()),
            (Self::Answer(key), None) => Self::Lacks(key),
            (trace @ (Self::Holds(..) | Self::Lacks(_) | Self::Empty | Self::None), _) => trace,
        }
    }

    fn is_in(&self, map: &Map) -> bool {
        match self {
            Self::Holds(key, value) => map.with(key, |shown| shown == &**value) == Some(true),
            Self::Lacks(key) => !map.contains(key),
            Self::Empty => map.is_empty(),
            Self::Answer(_) | Self::None => false,
        }
    }
}

impl Map {
    async fn wait_for_own(&self, own: &Own) -> Result<(), Error> {
        let Own { revision, before, trace } = own;
        if let Some(before) = before {
            let target = self.0.reader.progress().own_target(*revision, before);
            let waited = self.wait_for_target(&target, *revision).await;
            let seen = trace.is_in(self);
            match waited {
                Ok(()) if seen || target.needs_proof() => return Ok(()),
                // A clear that follows a gap breaks the history of waits, but the content shows it all the same.
                Err(Error::HistoryBroken { .. }) if seen => {}
                Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        // Either a later write of the same key is shown, or the content belongs to an earlier life of the hash: late
        // notifications may have taken it past the revision. Only the server can tell which.
        let now = self.0.reader.progress();
        self.wait_for_target(&now.own_target(*revision, &now), *revision).await
    }
}
