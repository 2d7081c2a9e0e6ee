//! A value that is computed from the one that is there, however many do so at once.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use rmap_core::Value;
use rmap_proto::{Key, KeyOperation, Leaves, Revision};

use super::Map;
use super::follow::Shows;
use super::kind;
use super::pauses::{MOST_TRIES, pause};
use super::writing::Writing;
use crate::Error;
use crate::transport::BoxFuture;
use crate::written::{Attempt, Updated};

/// The action of an [update](Map::update) on a key. `Option<V>` becomes one: `None` keeps the key as it is.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// use rmap_client::Update;
///
/// map.set("theme", "dark").visible().await?;
/// map.update("theme", |old| if old.is_some() { Update::Delete } else { Update::Set("light") }).visible().await?;
/// assert!(map.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to do with a key")]
pub enum Update<V> {
    /// Leaves the key as it is.
    Keep,
    /// Sets the key.
    Set(V),
    /// Deletes the key; leaves a missing one as it is.
    Delete,
}

impl<V> From<Option<V>> for Update<V> {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

/// A closure that computes the bytes of a key's new value from those of the old one.
pub trait Compute: FnMut(&Key, Option<&Value>) -> Result<Update<Bytes>, Error> {}

impl<F: FnMut(&Key, Option<&Value>) -> Result<Update<Bytes>, Error>> Compute for F {}

impl Map {
    /// Sets a key to what `change` makes of its value, whoever else does so at the same time.
    ///
    /// `change` gets the value of the local copy first; `None` when the key is missing. What it returns is written only if
    /// the server still holds that value. If not, `change` gets the value that the server holds, and so on, up to 16 times.
    /// Between the tries there are random pauses, which grow with their number and with the time that the server takes to
    /// answer, up to half a second. So `change` may run several times, and only its last result counts.
    ///
    /// When `change` returns `None` or [`Update::Keep`], the key stays as it is. At the first call this is decided by the
    /// local copy, without asking the server; [`sync`](Self::sync) first where that is not fresh enough.
    /// [`Update::Delete`] deletes the key.
    ///
    /// Values are compared, not revisions: a value that was replaced and set again in between counts as the same.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("visits").join().await?;
    /// use rmap_client::Update;
    ///
    /// let longer = map.update("log", |old| Some(format!("{} x", old.map_or("", |old| old.as_str().unwrap_or(""))))).await?;
    /// assert_eq!((longer.applied, longer.value.unwrap()), (true, " x".into()));
    ///
    /// let kept = map.update("log", |_| None::<String>).await?;
    /// assert!(!kept.applied);
    ///
    /// let deleted = map.update("log", |old| match old {
    ///     Some(old) if old.len() > 100 => Update::Set(&old[..100]).map(<[u8]>::to_vec),
    ///     Some(_) => Update::Delete,
    ///     None => Update::Keep,
    /// });
    /// deleted.visible().await?;
    /// assert!(map.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Contended`] when the server held another value at each of 16 tries. See [writes](Map#writes) for the errors
    /// of every write. A try whose outcome is unknown ends the update, and is not repeated.
    ///
    /// # Panics
    ///
    /// Panics when `change` does.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Dropping the future later leaves the outcome of its last try unknown.
    pub fn update<K, V, R, C>(&self, key: K, mut change: C) -> Updating<impl Compute + use<K, V, R, C>>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
        R: Into<Update<V>>,
        C: FnMut(Option<&Value>) -> R,
    {
        let change = move |_: &Key, old: Option<&Value>| {
            Ok(change(old).into().map(|value| Bytes::copy_from_slice(value.as_ref())))
        };
        Updating::new(self, self.key(key.as_ref()), change)
    }
}

impl<V> Update<V> {
    /// The same with another value.
    pub fn map<W>(self, convert: impl FnOnce(V) -> W) -> Update<W> {
        match self {
            Self::Keep => Update::Keep,
            Self::Set(value) => Update::Set(convert(value)),
            Self::Delete => Update::Delete,
        }
    }
}

/// An update of a key, from [`Map::update`] and [`TypedMap::update`](crate::TypedMap::update): a future like a
/// [`Writing`], which borrows nothing of the map. Its type parameter is the closure that computes the new value.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// # let map = rmap_client::Client::in_memory().map("flags").join().await?;
/// // It borrows nothing, so a task can carry it out.
/// let longer = map.update("log", |old| Some([old.map_or(&[][..], |old| old), b"x"].concat()));
/// let updated = tokio::spawn(longer.visible()).await.expect("the closure does not panic")?;
/// assert_eq!(updated.value.unwrap(), "x");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is written until it is awaited"]
pub struct Updating<F> {
    map: Map,
    change: F,
    visible: bool,
    /// A content beside the map's that must show the write before it counts as visible.
    shown_by: Option<Arc<dyn Shows>>,
    tries: u32,
    stage: Stage,
}

enum Stage {
    New(Key),
    /// The key was bad.
    Refused(Box<Error>),
    Trying {
        key: Key,
        new: Option<Value>,
        begun: Begun,
        attempt: BoxFuture<'static, Result<Attempt, Error>>,
    },
    Pausing {
        key: Key,
        failed: Attempt,
        /// The revision of the local copy when the try began.
        local: Option<Revision>,
        pause: BoxFuture<'static, ()>,
    },
    Done,
}

/// The start of a try.
#[derive(Clone, Copy)]
struct Begun {
    at: Instant,
    /// The revision of the local copy.
    local: Option<Revision>,
}

impl<F> Updating<F> {
    pub(crate) fn new(map: &Map, key: Result<Key, Error>, change: F) -> Self {
        let stage = match key {
            Ok(key) => Stage::New(key),
            Err(error) => Stage::Refused(Box::new(error)),
        };
        Self { map: map.clone(), change, visible: false, shown_by: None, tries: 0, stage }
    }

    pub(crate) fn shown_by(mut self, content: Arc<dyn Shows>) -> Self {
        self.shown_by = Some(content);
        self
    }

    /// Waits until this replica shows what was written, too, as [`Writing::visible`] does. An update that writes nothing has
    /// nothing to show.
    ///
    /// The update then also fails with [`Error::NotVisible`], which has the revision of what was committed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("visits").join().await?;
    /// map.update("last", |_| Some("ann")).visible().await?;
    /// assert_eq!(map.get("last").unwrap(), "ann");
    /// # Ok(())
    /// # }
    /// ```
    pub fn visible(mut self) -> Self {
        self.visible = true;
        self
    }
}

impl<F: Compute> Updating<F> {
    /// Asks for the new value; returns what to do next, or how the update ends without another try.
    fn decide(
        &mut self,
        key: Key,
        old: Option<Value>,
        at: Option<Revision>,
    ) -> Result<Stage, Result<Updated, Error>> {
        let update = (self.change)(&key, old.as_ref()).map_err(Err)?;
        let operation = match (update, &old) {
            (Update::Keep, _) | (Update::Delete, None) => {
                let (previous, tries) = (old.clone(), self.tries);
                return Err(Ok(Updated { applied: false, revision: at, previous, value: old, tries }));
            }
            (Update::Set(value), None) => self
                .map
                .check_length(&key, value.len())
                .map(|()| KeyOperation::SetIfNotExists { key: key.clone(), value }),
            (Update::Set(value), Some(old)) => {
                let test = Bytes::copy_from_slice(old);
                self.map.check_length(&key, value.len()).map(|()| KeyOperation::TestAndSet {
                    key: key.clone(),
                    test,
                    value,
                })
            }
            (Update::Delete, Some(old)) => {
                Ok(KeyOperation::TestAndDelete { key: key.clone(), test: Bytes::copy_from_slice(old) })
            }
        };
        let new = operation.as_ref().ok().and_then(written);
        let mut writing: Writing<kind::Tested> = self.map.write_key(operation);
        if let Some(content) = &self.shown_by {
            writing = writing.shown_by(Arc::clone(content));
        }
        let attempt: BoxFuture<'static, _> =
            if self.visible { Box::pin(writing.visible()) } else { Box::pin(writing) };
        self.tries += 1;
        let begun = Begun { at: Instant::now(), local: self.map.revision() };
        Ok(Stage::Trying { key, new, begun, attempt })
    }

    /// The end of a try: the update is done, goes on, or is given up.
    fn tried(
        &self,
        key: Key,
        new: Option<Value>,
        begun: Begun,
        attempt: Attempt,
    ) -> Result<Stage, Result<Updated, Error>> {
        let tries = self.tries;
        if attempt.applied {
            let Attempt { revision, previous, .. } = attempt;
            return Err(Ok(Updated { applied: true, revision, previous, value: new, tries }));
        }
        if tries >= MOST_TRIES {
            return Err(Err(Error::Contended { map: self.map.name().clone(), key: Some(key), tries }));
        }
        let pause = Box::pin(pause(tries, begun.at.elapsed()));
        Ok(Stage::Pausing { key, failed: attempt, local: begun.local, pause })
    }

    /// Goes on after a pause, with what the server held at the failed try. Where the local copy has gone beyond that try
    /// since it began, the copy knows better: the longer the pause, the more likely is another write in it. A copy that has
    /// not moved may be of an earlier life, whatever its revision.
    fn resume(
        &mut self,
        key: Key,
        failed: Attempt,
        local: Option<Revision>,
    ) -> Result<Stage, Result<Updated, Error>> {
        let now = self.map.revision();
        let is_ahead = now != local && failed.revision.is_some() && now > failed.revision;
        let (old, at) =
            if is_ahead { (self.map.get(&key), None) } else { (failed.previous, failed.revision) };
        self.decide(key, old, at)
    }
}

/// The value that an operation writes.
fn written(operation: &KeyOperation) -> Option<Value> {
    match operation.leaves() {
        Leaves::Value(value) | Leaves::ValueIf(value) => Some(Value::from(value.clone())),
        Leaves::Nothing | Leaves::NothingIf | Leaves::Answer => None,
    }
}

// The closure is never pinned.
impl<F> Unpin for Updating<F> {}

impl<F: Compute> Future for Updating<F> {
    type Output = Result<Updated, Error>;

    /// # Panics
    ///
    /// When polled after completion, and when the closure panics.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let decided = match mem::replace(&mut this.stage, Stage::Done) {
                Stage::New(key) => {
                    let old = this.map.get(&key);
                    this.decide(key, old, None)
                }
                Stage::Refused(error) => return Poll::Ready(Err(*error)),
                Stage::Trying { key, new, begun, mut attempt } => match attempt.as_mut().poll(context)? {
                    Poll::Ready(attempt) => this.tried(key, new, begun, attempt),
                    Poll::Pending => {
                        this.stage = Stage::Trying { key, new, begun, attempt };
                        return Poll::Pending;
                    }
                },
                Stage::Pausing { key, failed, local, mut pause } => {
                    match this.map.0.client.runtime().enter(true, || pause.as_mut().poll(context)) {
                        Ok(Poll::Ready(())) => this.resume(key, failed, local),
                        Ok(Poll::Pending) => {
                            this.stage = Stage::Pausing { key, failed, local, pause };
                            return Poll::Pending;
                        }
                        Err(_) => Err(Err(this.map.closed())),
                    }
                }
                Stage::Done => panic!("an update was polled after completion"),
            };
            match decided {
                Ok(stage) => this.stage = stage,
                Err(ended) => return Poll::Ready(ended),
            }
        }
    }
}

impl<F> fmt::Debug for Updating<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updating")
            .field("map", self.map.name())
            .field("visible", &self.visible)
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}
