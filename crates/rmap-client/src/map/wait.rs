//! Waiting until the local content has what was written.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use rmap_core::{Progress, Target, Wait};
use rmap_proto::{Key, KeyOperation, Operation, Revision};

use super::Map;
use crate::Error;
use crate::transport::BoxFuture;
use crate::written::Written;

impl Map {
    /// Waits until the local content is at this revision or later, whichever process wrote it.
    ///
    /// It is for revisions that are committed. `None`, the revision of "there is no hash", is reached at once. Without a
    /// server there is no time limit: wrap the call in [`tokio::time::timeout`] where one is needed.
    ///
    /// A revision that the local content has already passed may be one of a later life of the hash, after an expiry or a
    /// DEL that is not noticed yet. Such a wait asks the server once, as [`sync`](Self::sync) does; all who wait at the same
    /// moment share the answer. [`set_and_wait`](Self::set_and_wait) knows its own write and seldom has to ask.
    ///
    /// # Errors
    ///
    /// [`Error::HistoryBroken`] when the revision cannot be reached any more because the hash expired, was deleted or
    /// was replaced, or the server lost the write, and at the next proof of freshness when nobody has made the
    /// revision yet; [`Error::Closed`] when the map closes before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn wait_for(&self, revision: impl Into<Option<Revision>>) -> Result<(), Error> {
        let Some(revision) = revision.into() else { return Ok(()) };
        self.wait_until(&self.0.reader.progress().target(Some(revision)), revision).await
    }

    /// Sets a key, then waits until the local content has that write.
    ///
    /// # Errors
    ///
    /// Those of [all writes](Map#writes) when the write failed; [`Error::NotVisible`] with the committed revision when the wait did.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Until the write has returned, dropping the future leaves its outcome
    /// unknown; afterwards [`SetAndWait::committed`] has it.
    pub fn set_and_wait(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> SetAndWait {
        let map = self.clone();
        let entry = self.entry(key.as_ref(), value.as_ref());
        let writing = Box::pin(async move {
            let (key, value) = entry?;
            let before = map.0.reader.progress();
            let written = map
                .commit(Operation::Key(KeyOperation::Set { key: key.clone(), value: value.clone() }))
                .await?;
            Ok(Committed { written, before, key, value })
        });
        SetAndWait { map: self.clone(), stage: Stage::Writing(writing), committed: None }
    }

    /// Asks the server whether the local content is current, and waits for the proof, synchronising anew if need be.
    ///
    /// Afterwards a read sees every write that was acknowledged before this call, if the command connection talks to the
    /// current master.
    ///
    /// # Errors
    ///
    /// [`Error::SyncTimeout`] when there is no proof within [the time set](crate::MapBuilder::sync_timeout), 10 s by
    /// default; [`Error::Closed`] when the map closes before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn sync(&self) -> Result<(), Error> {
        let target = self.0.reader.progress().fresh_target();
        if !self.0.asker.prove(target) {
            return Err(self.closed());
        }
        let timeout = self.0.settings.sync_timeout;
        // The timer is made there, too.
        let reached = async { tokio::time::timeout(timeout, self.reach(&target)).await };
        match self.0.client.runtime().within(reached).await {
            Ok(Ok(Wait::Reached)) => Ok(()),
            Ok(Ok(_)) | Err(_) => Err(self.closed()),
            Ok(Err(_)) => {
                let status = self.status();
                let (phase, reason) = (status.phase(), status.reason().clone());
                Err(Error::SyncTimeout { map: self.name().clone(), timeout, phase, reason })
            }
        }
    }

    /// Waits for a revision, and asks for the proof that this needs.
    async fn wait_until(&self, target: &Target, revision: Revision) -> Result<(), Error> {
        if target.needs_proof() && self.0.reader.progress().check(target) == Wait::Pending {
            // Where the driver has ended, its end ends the wait.
            self.0.asker.prove(*target);
        }
        match self.reach(target).await {
            Wait::Reached => Ok(()),
            Wait::HistoryBroken => Err(Error::HistoryBroken { map: self.name().clone(), revision }),
            Wait::Pending | Wait::Closed => Err(self.closed()),
            _ => Err(self.closed()),
        }
    }

    /// Waits for a write of this process.
    async fn wait_for_own(&self, committed: &Committed) -> Result<(), Error> {
        let Committed { written: Written { revision, .. }, before, key, value } = committed;
        let target = self.0.reader.progress().own_target(*revision, before);
        self.wait_until(&target, *revision).await?;
        if target.needs_proof() || self.get(key.as_bytes()).is_some_and(|shown| shown == **value) {
            return Ok(());
        }
        // A later write of the same key is shown, or the content is that of an earlier life: notifications that were still on
        // their way may have taken it past the revision. The server knows.
        let now = self.0.reader.progress();
        self.wait_until(&now.own_target(*revision, &now), *revision).await
    }

    /// Waits until the target is no longer pending.
    async fn reach(&self, target: &Target) -> Wait {
        let mut changes = self.0.progress.clone();
        let mut ended = false;
        loop {
            // Seen before looked at, so that no change falls between.
            changes.borrow_and_update();
            let judged = self.0.reader.progress().check(target);
            if judged != Wait::Pending || ended {
                return judged;
            }
            // The driver closes the replica before it ends, so one more look tells.
            ended = changes.changed().await.is_err();
        }
    }
}

/// A write that becomes visible, from [`Map::set_and_wait`].
///
/// It is a future; poll it by reference to learn what was committed when the wait is given up:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # use std::time::Duration;
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// let mut setting = map.set_and_wait("dark-mode", "on");
/// if tokio::time::timeout(Duration::from_secs(1), &mut setting).await.is_err() {
///     match setting.committed() {
///         Some(written) => println!("committed at {}, not visible here yet", written.revision),
///         None => println!("outcome unknown"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is written until it is awaited"]
pub struct SetAndWait {
    map: Map,
    stage: Stage,
    committed: Option<Written>,
}

/// A write of this process, and what its wait has to know of it.
struct Committed {
    written: Written,
    /// From before the write was sent.
    before: Progress,
    key: Key,
    value: Bytes,
}

enum Stage {
    Writing(BoxFuture<'static, Result<Committed, Error>>),
    Waiting(BoxFuture<'static, Result<Written, Error>>),
    Done,
}

impl SetAndWait {
    /// The write, once it is known to be committed, also when the wait has failed or was given up.
    #[must_use]
    pub const fn committed(&self) -> Option<&Written> {
        self.committed.as_ref()
    }

    fn wait(&self, committed: Committed) -> Stage {
        let map = self.map.clone();
        Stage::Waiting(Box::pin(async move {
            let waited = map.wait_for_own(&committed).await;
            let written = committed.written;
            match waited {
                Ok(()) => Ok(written),
                Err(cause) => Err(Error::NotVisible { revision: written.revision, cause: Box::new(cause) }),
            }
        }))
    }
}

impl Future for SetAndWait {
    type Output = Result<Written, Error>;

    /// # Panics
    ///
    /// When polled after completion.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Writing(writing) = &mut self.stage {
            match ready!(writing.as_mut().poll(context)) {
                Ok(committed) => {
                    self.committed = Some(committed.written.clone());
                    self.stage = self.wait(committed);
                }
                Err(error) => {
                    self.stage = Stage::Done;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let Stage::Waiting(waiting) = &mut self.stage else {
            panic!("SetAndWait was polled after completion")
        };
        let waited = ready!(waiting.as_mut().poll(context));
        self.stage = Stage::Done;
        Poll::Ready(waited)
    }
}

impl fmt::Debug for SetAndWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetAndWait").field("committed", &self.committed).finish_non_exhaustive()
    }
}
