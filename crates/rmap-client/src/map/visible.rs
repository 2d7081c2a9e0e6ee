//! Waiting until this replica shows a write of its own.

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
/// It is a future; poll it by reference to learn what was committed when the wait is given up:
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
    /// From before the write was sent; `None`: it was sent before anybody wanted to wait.
    before: Option<Progress>,
    trace: Trace,
    committed: Option<(K::Output, Revision)>,
    wait: Option<BoxFuture<'static, Result<(), Error>>>,
}

/// A write of this process, and what its wait has to know of it.
#[derive(Debug)]
struct Own {
    /// The last revision that it made. The replica shows a batch as a whole.
    revision: Revision,
    before: Option<Progress>,
    trace: Trace,
}

/// How the content shows that it has the write.
#[derive(Debug)]
enum Trace {
    Holds(Key, Bytes),
    Lacks(Key),
    /// The key holds what the answer says.
    Answer(Key),
    /// The map is empty.
    Empty,
    /// That cannot be seen.
    None,
}

impl<K: Kind> Writing<K> {
    /// Waits until this replica shows what was written, too. A wait that is given up still tells what was committed.
    ///
    /// A write that changed nothing, because its condition did not hold or there was nothing to do, has nothing to show and
    /// returns at once.
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
    /// Those of the write, when it failed; [`Error::NotVisible`] with the committed revision when the wait did.
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

    /// What the write returned, once it is known to be committed, also when the wait has failed or was given up. `None`
    /// for a write that changed nothing.
    #[must_use]
    pub fn committed(&self) -> Option<&K::Output> {
        self.committed.as_ref().map(|(output, _)| output)
    }

    /// Waits for the answer. Returns at once what has nothing to show.
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
        let map = self.sending.map.clone();
        self.wait = Some(Box::pin(async move { map.wait_for_own(&own).await }));
        self.committed = Some((output, last));
        Poll::Ready(Ok(None))
    }
}

impl<K: Kind> Unpin for Visible<K> {}

impl<K: Kind> Future for Visible<K> {
    type Output = Result<K::Output, Error>;

    /// # Panics
    ///
    /// When polled after completion.
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

    /// Of a step that says by itself what its key holds afterwards. A later step may change that; then the server is intent.
    fn of_step(step: &KeyOperation) -> Option<Self> {
        match step.leaves() {
            Leaves::Value(_) | Leaves::Nothing => Some(Self::of_key(step)),
            Leaves::ValueIf(_) | Leaves::NothingIf | Leaves::Answer => None,
        }
    }

    /// The same, once the answer is there.
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
                // A clear that follows a gap ends the history of waits, and is shown all the same.
                Err(Error::HistoryBroken { .. }) if seen => {}
                Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        // A later write of the same key is shown, or the content is that of an earlier life: notifications that were still on
        // their way may have taken it past the revision. The server knows.
        let now = self.0.reader.progress();
        self.wait_for_target(&now.own_target(*revision, &now), *revision).await
    }
}
