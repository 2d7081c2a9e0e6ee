//! The task that keeps decoded values in step with a map. Nobody else changes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rmap_core::{Change, Value, View};
use rmap_proto::{Key, Revision};
use tokio::sync::{oneshot, watch};

use super::change::Good;
use super::rejected::Why;
use super::shared::Shared;
use super::table::{Edit, Effects, To};
use crate::changes::{Log, Mark};
use crate::feed::FeedStream;
use crate::map::Following;

/// Values that are decoded, and entries that are stored, before other tasks get their turn.
const AT_ONCE: usize = 64;

/// Most edits that are made in place: readers wait meanwhile.
const IN_PLACE: usize = 512;

/// Decodes and checks a value.
pub(super) type Decode<T> = Arc<dyn Fn(&Key, &Value) -> Result<T, Why> + Send + Sync>;

pub(super) struct Follower<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    decode: Decode<T>,
    stream: FeedStream<Log>,
    marked: watch::Receiver<()>,
    /// Edits that readers see with the next mark.
    edits: Vec<Edit<T>>,
    last: Option<Mark>,
}

/// However the task ends, also with its runtime: nobody waits for it any more.
impl<T: Send + Sync + 'static> Drop for Follower<T> {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl<T: Send + Sync + 'static> Follower<T> {
    /// Follows until the map closes, or the other end of `open` is dropped.
    pub(super) async fn run(
        shared: Arc<Shared<T>>,
        decode: Decode<T>,
        following: Following,
        open: oneshot::Receiver<()>,
    ) {
        let Following { stream, marked, view, last } = following;
        let mut follower = Self { shared, decode, stream, marked, edits: Vec::new(), last: None };
        tokio::select! {
            biased;
            _ = open => {}
            () = follower.follow(view, last) => {}
        }
    }

    /// `closed_at`: the view is the last content of a closed map.
    async fn follow(&mut self, view: View, closed_at: Option<Mark>) {
        self.decode_all(&view).await;
        // Whatever shares a part of the content makes the map copy this part before it changes.
        drop(view);
        if let Some(mark) = closed_at {
            self.show(mark).await;
            return;
        }
        while let Some(mark) = self.next_mark().await {
            self.read_to(mark).await;
            self.show(mark).await;
            self.last = Some(mark);
        }
    }

    async fn next_mark(&mut self) -> Option<Mark> {
        loop {
            // Seen before looked at, so that no mark falls between.
            self.marked.borrow_and_update();
            let (mark, ended) = self.stream.with(|log, stream| (log.aim(stream), log.has_ended()));
            if mark.is_some() && mark != self.last {
                return mark;
            }
            if ended || self.marked.changed().await.is_err() {
                return None;
            }
        }
    }

    async fn decode_all(&mut self, view: &View) {
        for (count, (key, value)) in view.iter().enumerate() {
            self.decode(view.revision(), Key::from(key), Some(value.clone()));
            if count % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn read_to(&mut self, mark: Mark) {
        loop {
            let part: Vec<Change> = self.stream.with(|log, stream| {
                std::iter::from_fn(|| log.take_before(stream, mark.place)).take(AT_ONCE).collect()
            });
            let more = part.len() == AT_ONCE;
            part.into_iter().for_each(|change| self.decode(change.revision, change.key, change.new));
            if !more {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn decode(&mut self, revision: Option<Revision>, key: Key, value: Option<Value>) {
        let to = value.map_or(To::Gone, |bytes| {
            // It is the user's code, and one bad value must not end the task.
            match catch_unwind(AssertUnwindSafe(|| (self.decode)(&key, &bytes))) {
                Ok(Ok(value)) => To::Good(Good { value: Arc::new(value), bytes }),
                Ok(Err(why)) => To::Rejected(why),
                Err(_) => To::Rejected(Why::Panicked),
            }
        });
        self.edits.push(Edit { key, revision, to });
    }

    async fn show(&mut self, mark: Mark) {
        let edits = std::mem::take(&mut self.edits);
        if edits.len() <= IN_PLACE {
            self.shared.apply(edits, mark);
            return;
        }
        let (mut shards, mut effects) = (self.shared.table.shards().0, Effects::default());
        for (count, edit) in edits.into_iter().enumerate() {
            shards.edit(edit, &mut effects);
            if count % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        self.shared.replace(shards, mark, effects);
    }
}
