//! The streams of a map.

use std::sync::Arc;

use tokio::sync::watch;

use crate::changes::Log;
use crate::client::Client;
use crate::clock::Timeline;
use crate::events::Strongest;
use crate::feed::Feed;
use crate::settings::Bound;
use crate::stats::Tallies;
use crate::status::Latest;
use crate::watch::KeyWatchers;

/// Streams that the driver fills and handles make.
#[derive(Debug)]
pub(crate) struct Outlets {
    pub(crate) events: Arc<Feed<Strongest>>,
    pub(crate) changes: Arc<Feed<Log>>,
    pub(crate) statuses: Arc<Feed<Latest>>,
    pub(crate) watchers: Arc<KeyWatchers>,
    /// Changes with each mark in the log of changes. Its receivers are those who follow.
    pub(crate) marked: watch::Sender<()>,
    pub(crate) clock: Timeline,
    pub(crate) tallies: Arc<Tallies>,
}

impl Outlets {
    /// `unread` bounds the backlog of the streams of changes.
    pub(crate) fn new(client: &Client, unread: Bound) -> Self {
        Self {
            events: Feed::new(Strongest::default()),
            changes: Feed::new(Log::new(unread, client.sums().unread.share())),
            statuses: Feed::new(Latest::default()),
            watchers: Arc::default(),
            marked: watch::Sender::new(()),
            tallies: Arc::default(),
            clock: client.clock().clone(),
        }
    }

    /// Ends all streams.
    pub(crate) fn close(&self) {
        self.events.close();
        self.changes.close();
        self.statuses.close();
        self.watchers.close();
        self.marked.send_replace(());
    }
}
