//! The task that keeps decoded values in step with a map. Nobody else changes them.

use std::sync::Arc;

use rmap_core::{Change, EventKind, Value, View};
use rmap_proto::{Key, Revision};
use tokio::sync::{oneshot, watch};

use super::change::Good;
use super::rejected::Decode;
use super::shared::Shared;
use super::table::{Edit, Effects, To};
use crate::changes::{Log, Mark};
use crate::events::Strongest;
use crate::feed::{Backlog as _, FeedStream};
use crate::map::{Following, Map, Statuses};

/// Values that are decoded, and entries that are stored, before other tasks get their turn.
const AT_ONCE: usize = 64;

/// Most edits that are made in place: readers wait meanwhile.
const IN_PLACE: usize = 512;

pub(super) struct Follower<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    decode: Decode<T>,
    stream: FeedStream<Log>,
    events: FeedStream<Strongest>,
    marked: watch::Receiver<()>,
    statuses: Statuses,
    /// Edits that readers see with the next mark.
    edits: Vec<Edit<T>>,
    last: Option<Mark>,
}

/// However the task ends, also with its runtime: nobody waits for it any more.
struct Ending<T: Send + Sync + 'static>(Arc<Shared<T>>);

impl<T: Send + Sync + 'static> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T: Send + Sync + 'static> Follower<T> {
    /// Follows until the map closes, or the other end of `open` is dropped.
    pub(super) async fn run(
        shared: Arc<Shared<T>>,
        decode: Decode<T>,
        map: Map,
        open: oneshot::Receiver<()>,
    ) {
        let ending = Ending(shared);
        tokio::select! {
            biased;
            _ = open => {}
            () = Self::begin(Arc::clone(&ending.0), decode, map) => {}
        }
    }

    async fn begin(shared: Arc<Shared<T>>, decode: Decode<T>, map: Map) {
        let Following { stream, events, marked, view, last } = map.follow_changes().await;
        let statuses = map.statuses();
        // The task keeps no map open.
        drop(map);
        let (edits, first) = (Vec::new(), None);
        let mut follower = Self { shared, decode, stream, events, marked, statuses, edits, last: first };
        follower.follow(view, last).await;
    }

    /// `closed_at`: the view is the last content of a closed map.
    async fn follow(&mut self, view: View, closed_at: Option<Mark>) {
        self.decode_all(&view).await;
        // Whatever shares a part of the content makes the map copy this part before it changes.
        drop(view);
        if let Some(mark) = closed_at {
            self.show(mark).await;
            self.emit_status(true);
            return;
        }
        while let Some(mark) = self.next_mark().await {
            self.read_to(mark).await;
            let rejected = self.shared.table.rejected();
            self.show(mark).await;
            self.last = Some(mark);
            self.emit_status(self.shared.table.rejected() != rejected);
        }
    }

    /// Emits the status of what is shown, if the map's has changed or if it `is_new` for another reason.
    fn emit_status(&mut self, is_new: bool) {
        if self.statuses.have_changed() || is_new {
            self.shared.statuses.push(self.shared.status());
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
            // A change of the phase alone moves no mark.
            self.emit_status(false);
            if ended || self.marked.changed().await.is_err() {
                return None;
            }
        }
    }

    async fn decode_all(&mut self, view: &View) {
        for (count, (key, value)) in view.iter().enumerate() {
            // A stored content is decoded already.
            if self.shared.table.good(key.as_bytes()).is_none_or(|good| good.bytes != *value) {
                self.decode(view.revision(), Key::from(key), Some(value.clone()));
            }
            if count % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        for key in self.shared.table.keys().into_iter().filter(|key| !view.contains(key.as_bytes())) {
            self.edits.push(Edit { key, revision: view.revision(), to: To::Gone });
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
        let to = value.map_or(To::Gone, |bytes| match (self.decode)(&key, &bytes) {
            Ok(value) => To::Good(Good { value: Arc::new(value), bytes }),
            Err(why) => To::Rejected(why),
        });
        self.edits.push(Edit { key, revision, to });
    }

    async fn show(&mut self, mark: Mark) {
        let edits = std::mem::take(&mut self.edits);
        // Taken after the mark was read, so that the events of the changes before it are there.
        let event: Option<EventKind> = self.events.with(|events, stream| events.take(stream));
        if edits.len() <= IN_PLACE {
            self.shared.apply(edits, mark, event);
            return;
        }
        let (mut shards, mut effects) = (self.shared.table.shards().0, Effects::default());
        for (count, edit) in edits.into_iter().enumerate() {
            shards.edit(edit, &mut effects);
            if count % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        self.shared.replace(shards, mark, effects, event);
    }
}
