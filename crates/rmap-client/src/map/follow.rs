//! The interface of a map for other kinds of handles built on it.

use std::fmt;
use std::sync::Arc;

use rmap_core::{Progress, View};
use tokio::sync::{oneshot, watch};

use super::Map;
use crate::Error;
use crate::changes::{Log, Mark};
use crate::client::Client;
use crate::feed::FeedStream;
use crate::settings::Bound;
use crate::status::Status;
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
    pub(crate) marked: watch::Receiver<()>,
    pub(crate) view: View,
    /// The map is closed, and the view is its last content.
    pub(crate) last: Option<Mark>,
}

impl Map {
    pub(crate) async fn follow_changes(&self) -> Following {
        let outlets = &self.0.outlets;
        // Before the stream begins: the driver sets marks only where somebody sees them.
        let marked = outlets.marked.subscribe();
        let (sender, receiver) = oneshot::channel();
        let stream = outlets.changes.add(|log, stream| log.follow(stream, sender));
        self.0.asker.observe();
        let (view, last) = match receiver.await {
            Ok(view) => (view, None),
            Err(_) => (self.view(), Some(self.last_mark())),
        };
        Following { stream, marked, view, last }
    }

    fn last_mark(&self) -> Mark {
        let fresh_at = self.0.status.borrow().fresh_at;
        Mark { place: u64::MAX, progress: self.progress(), fresh_at }
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

    /// The status of a content that follows this one.
    pub(crate) fn status_at(&self, mark: &Mark, rejected: usize) -> Status {
        let mut status = self.0.status.borrow().clone();
        status.revision = mark.progress.revision();
        status.fresh_at = mark.fresh_at;
        Status::new(status, self.0.client.clock().clone()).with_rejected(rejected)
    }
}
