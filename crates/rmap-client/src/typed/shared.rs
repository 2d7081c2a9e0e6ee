//! The shared part of a typed map's handles, streams and follower.

use std::fmt;
use std::sync::Arc;

use rmap_core::{EventKind, Progress, Watchers as _};
use rmap_proto::Key;
use tokio::sync::watch;

use super::change::{Decoded, Good};
use super::rejected::{Decode, Rejected};
use super::table::{Edit, Effects, Shards, Table, To};
use crate::changes::{Log, Mark};
use crate::events::Strongest;
use crate::feed::Feed;
use crate::map::{Map, Statuses};
use crate::status::{Latest, Status};
use crate::sync::{Mutex, lock};
use crate::watch::KeyWatchers;

/// Changes that are handed to the streams in one go: they are locked meanwhile.
const HANDED_AT_ONCE: usize = 512;

/// The progress of the decoded content.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Published {
    pub(super) mark: Option<Mark>,
    pub(super) ended: bool,
}

pub(super) struct Shared<T> {
    pub(super) table: Table<T>,
    pub(super) changes: Arc<Feed<Log<Decoded<T>>>>,
    pub(super) rejections: Arc<Feed<Log<Rejected>>>,
    pub(super) events: Arc<Feed<Strongest>>,
    pub(super) statuses: Arc<Feed<Latest>>,
    /// Statuses of the map, made to statuses of the decoded content.
    of_map: Statuses,
    pub(super) watchers: Arc<KeyWatchers>,
    published: watch::Sender<Published>,
    /// Held while the content changes and the streams get the changes, and while a stream begins.
    publishing: Mutex<()>,
}

impl<T: Send + Sync + 'static> Shared<T> {
    pub(super) fn new(map: &Map) -> Arc<Self> {
        let (unread, sums) = (map.unread(), map.client().sums());
        Arc::new(Self {
            table: Table::new(),
            changes: Feed::new(Log::new(unread, sums.unread.share())),
            rejections: Feed::new(Log::new(unread, sums.unread.share())),
            events: Feed::new(Strongest::default()),
            statuses: Feed::new(Latest::default()),
            of_map: map.statuses(),
            watchers: Arc::default(),
            published: watch::Sender::new(Published::default()),
            publishing: Mutex::default(),
        })
    }

    /// Shows a stored content before the task that follows the map has begun, as far as it can be decoded. The task decides
    /// about the rest.
    pub(super) fn show_stored(&self, map: &Map, decode: &Decode<T>) {
        let (mark, view) = (map.first_mark(), map.view());
        let good = view.iter().filter_map(|(key, bytes)| {
            let (key, bytes) = (Key::from(key), bytes.clone());
            let value = Arc::new(decode(&key, &bytes).ok()?);
            Some(Edit { key, revision: view.revision(), to: To::Good(Good { value, bytes }) })
        });
        self.apply(good.collect(), mark, None);
    }

    /// Does something between two changes of the content.
    pub(super) fn between_changes<R>(&self, work: impl FnOnce() -> R) -> R {
        let _publishing = lock(&self.publishing);
        work()
    }

    /// The status of the decoded content.
    pub(super) fn status(&self) -> Status {
        self.of_map.at(self.table.mark().as_ref(), self.table.rejected())
    }

    /// Makes edits for all readers at once. `event` is the strongest event of the map meanwhile.
    pub(super) fn apply(&self, edits: Vec<Edit<T>>, mark: Mark, event: Option<EventKind>) {
        self.between_changes(|| {
            let mut effects = Effects::default();
            self.table.apply(edits, mark, &mut effects);
            self.hand_out(effects, event);
        });
        self.publish(mark);
    }

    /// Puts shards in place that were edited apart, for all readers at once.
    pub(super) fn replace(
        &self,
        shards: Shards<T>,
        mark: Mark,
        effects: Effects<T>,
        event: Option<EventKind>,
    ) {
        let before = self.between_changes(|| {
            let before = self.table.replace(shards, mark);
            self.hand_out(effects, event);
            before
        });
        self.publish(mark);
        // Many entries end with it, and nothing is locked meanwhile.
        drop(before);
    }

    fn hand_out(&self, effects: Effects<T>, event: Option<EventKind>) {
        let Effects { changes, rejected, newly } = effects;
        if let (Some(first), true) = (rejected.first(), newly > 0) {
            let (key, revision) = (first.key(), first.revision().map(|revision| revision.to_string()));
            tracing::warn!(
                keys = newly,
                %key,
                revision = revision.as_deref().unwrap_or("none"),
                "rejected values, keys keep the last good ones; the first: {}",
                first.why().kind()
            );
        }
        changes.iter().for_each(|change| self.watchers.changed(change.key.as_bytes()));
        let kind = |change: &Decoded<T>| match change.new {
            Some(_) => EventKind::Changed,
            None => EventKind::Deleted,
        };
        // Where the map was cleared, the changes look like deletions.
        let cleared = event.filter(|event| *event == EventKind::Reset);
        let event = changes.iter().map(kind).chain(cleared).max();
        let mut changes = changes.into_iter();
        while changes.len() > 0 {
            self.changes.extend(changes.by_ref().take(HANDED_AT_ONCE));
        }
        self.rejections.extend(rejected);
        if let Some(event) = event {
            self.events.push(event);
        }
        self.watchers.wake();
    }

    fn publish(&self, mark: Mark) {
        self.published.send_modify(|published| published.mark = Some(mark));
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.published.send_modify(|published| published.ended = true);
        self.changes.close();
        self.rejections.close();
        self.events.close();
        self.statuses.close();
        self.watchers.close();
    }

    /// Waits until the content is there; false when there will be none.
    pub(super) async fn begun(&self) -> bool {
        self.wait(|mark| mark.is_some()).await
    }

    /// Waits until the content has everything that the map had at this progress; false when it never will.
    pub(super) async fn includes(&self, progress: &Progress) -> bool {
        self.wait(|mark| mark.is_some_and(|mark| mark.progress.includes(progress))).await
    }

    /// Waits until the content has all changes before this place; false when it never will.
    pub(super) async fn has_read(&self, place: u64) -> bool {
        self.wait(|mark| mark.is_some_and(|mark| mark.place >= place)).await
    }

    /// Calls `look` now and after each change of the content until it finds something; `None` when it does not find it in the
    /// last content.
    pub(super) async fn look<R>(&self, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        let mut found = None;
        self.wait(|_| {
            found = look();
            found.is_some()
        })
        .await;
        found
    }

    /// Waits until the content is final.
    pub(super) async fn ended(&self) {
        let mut published = self.published.subscribe();
        // The sender lives in `self`.
        let _ = published.wait_for(|published| published.ended).await;
    }

    async fn wait(&self, mut is_reached: impl FnMut(Option<Mark>) -> bool) -> bool {
        let mut published = self.published.subscribe();
        loop {
            let now = *published.borrow_and_update();
            if is_reached(now.mark) {
                return true;
            }
            // The sender lives in `self`.
            if now.ended || published.changed().await.is_err() {
                return false;
            }
        }
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("published", &*self.published.borrow()).finish_non_exhaustive()
    }
}
