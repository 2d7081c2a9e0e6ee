//! The streams of a map.

use std::sync::Arc;

use crate::changes::Log;
use crate::client::Client;
use crate::clock::Timeline;
use crate::events::Strongest;
use crate::feed::Feed;
use crate::settings::Bound;
use crate::status::Latest;
use crate::watch::KeyWatchers;

/// Streams that the driver fills and handles make.
#[derive(Debug)]
pub(crate) struct Outlets {
    pub(crate) events: Arc<Feed<Strongest>>,
    pub(crate) changes: Arc<Feed<Log>>,
    pub(crate) statuses: Arc<Feed<Latest>>,
    pub(crate) watchers: Arc<KeyWatchers>,
    pub(crate) clock: Timeline,
}

impl Outlets {
    /// `unread` bounds the backlog of the streams of changes.
    pub(crate) fn new(client: &Client, unread: Bound) -> Self {
        Self {
            events: Feed::new(Strongest::default()),
            changes: Feed::new(Log::new(unread, client.sums().unread.share())),
            statuses: Feed::new(Latest::default()),
            watchers: Arc::default(),
            clock: client.clock().clone(),
        }
    }

    /// Ends all streams.
    pub(crate) fn close(&self) {
        self.events.close();
        self.changes.close();
        self.statuses.close();
        self.watchers.close();
    }
}
