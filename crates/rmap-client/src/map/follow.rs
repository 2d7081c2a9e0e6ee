//! The interface of a map for other kinds of handles built on it.

use std::fmt;
use std::sync::Arc;

use rmap_core::{Progress, ReplicaStatus, Restored, View};
use tokio::sync::{oneshot, watch};

use super::Map;
use crate::Error;
use crate::changes::{Log, Mark};
use crate::client::Client;
use crate::clock::Timeline;
use crate::events::Strongest;
use crate::feed::FeedStream;
use crate::settings::Bound;
use crate::status::Status;
use crate::store::StoreState;
use crate::transport::BoxFuture;

/// A content that follows that of the map and has to show a write, too.
pub(crate) trait Shows: fmt::Debug + Send + Sync {
    /// Waits until it shows what the map shows now.
    fn shows(self: Arc<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

/// The changes of a map for a content that follows it.
pub(crate) struct Following {
    /// Begins with the view, and has marks.
    pub(crate) stream: FeedStream<Log>,
    /// The driver emits the events of a change before it sets the mark behind the change.
    pub(crate) events: FeedStream<Strongest>,
    pub(crate) marked: watch::Receiver<()>,
    pub(crate) view: View,
    /// The map is closed, and the view is its last content.
    pub(crate) last: Option<Mark>,
}

/// The statuses of a content that follows that of a map. It does not keep the map open.
#[derive(Debug, Clone)]
pub(crate) struct Statuses {
    status: watch::Receiver<ReplicaStatus>,
    clock: Timeline,
    store: Option<Arc<StoreState>>,
}

impl Statuses {
    /// The status of a content with this mark; `None`: the content is not there yet.
    pub(crate) fn at(&self, mark: Option<&Mark>, rejected: usize) -> Status {
        let mut status = self.status.borrow().clone();
        status.revision = mark.and_then(|mark| mark.progress.revision());
        status.fresh_at = mark.and_then(|mark| mark.fresh_at);
        if mark.is_some_and(|mark| mark.stored) {
            status.restored = Restored::Shown;
        }
        let store = self.store.as_ref().map(|store| store.get());
        Status::new(status, self.clock.clone(), store).with_rejected(rejected)
    }

    /// True when the map's status has changed since the last call.
    pub(crate) fn have_changed(&mut self) -> bool {
        // An error says that the map has closed, and its last status may be new all the same.
        let changed = self.status.has_changed().unwrap_or(true);
        self.status.mark_unchanged();
        changed
    }
}

impl Map {
    pub(crate) async fn follow_changes(&self) -> Following {
        let outlets = &self.0.outlets;
        // Before the stream begins: the driver sets marks only where somebody sees them.
        let marked = outlets.marked.subscribe();
        let events = outlets.events.add(Strongest::begin);
        let (sender, receiver) = oneshot::channel();
        let stream = outlets.changes.add(|log, stream| log.follow(stream, sender));
        self.0.asker.observe();
        let (view, last) = match receiver.await {
            Ok(view) => (view, None),
            Err(_) => (self.view(), Some(self.last_mark())),
        };
        Following { stream, events, marked, view, last }
    }

    fn last_mark(&self) -> Mark {
        let status = self.0.status.borrow();
        let (fresh_at, stored) = (status.fresh_at, status.is_stored());
        drop(status);
        Mark { place: u64::MAX, progress: self.progress(), fresh_at, stored }
    }

    /// The mark of a content from before any change was emitted.
    pub(crate) fn first_mark(&self) -> Mark {
        Mark { place: 0, ..self.last_mark() }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.0.reader.progress()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The bound of the backlog of streams of changes.
    pub(crate) fn unread(&self) -> Bound {
        self.0.settings.unread
    }

    /// The place in the log of changes behind all changes that were emitted so far.
    pub(crate) fn end_of_changes(&self) -> u64 {
        self.0.outlets.changes.with(|log| log.end_place())
    }

    pub(crate) fn statuses(&self) -> Statuses {
        let store = self.0.source.store.clone();
        Statuses { status: self.0.status.clone(), clock: self.0.client.clock().clone(), store }
    }
}
