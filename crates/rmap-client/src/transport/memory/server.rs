//! The in-memory server for its users, and the faults that it can simulate.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rmap_model::Authority;
use rmap_proto::MapName;

use super::state::{MemoryState, Now};
use crate::clock::Timeline;
use crate::sync::{Mutex, lock};

/// A server in this process; a clone is the same server.
///
/// It keeps one hash per map, with revisions, notifications and times to live like Redis. Its clock starts at the
/// system's time and follows tokio's, paused or not. With [`Store::in_memory`](crate::Store::in_memory) a test restarts a
/// service while the server is [down](Self::go_down); [`MapBuilder::store`](crate::MapBuilder::store) has an example.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// use rmap_client::MemoryServer;
///
/// let server = MemoryServer::new();
/// let writer = server.client().map("flags").join().await?;
/// let reader = server.client().map("flags").join().await?;
///
/// let written = writer.set("dark-mode", "on").await?;
/// reader.wait_for(written.revision).await?;
/// assert_eq!(reader.get("dark-mode").unwrap(), "on");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<MemoryState>,
    clock: Timeline,
    started_at: Duration,
}

impl MemoryServer {
    /// A server without any map.
    #[must_use]
    pub fn new() -> Self {
        // A clock before 1970 counts as 1970.
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Inner { state: Mutex::default(), clock: Timeline::start(None), started_at }))
    }

    /// Breaks every connection, with its subscriptions. Clients reconnect at once.
    pub fn drop_connections(&self) {
        self.with_state(|state, _| state.drop_connections("the connection was dropped"));
    }

    /// Makes the server unreachable until [`come_up`](Self::come_up). It keeps its content.
    pub fn go_down(&self) {
        self.with_state(|state, _| state.set_down(true));
    }

    /// Makes the server reachable again.
    pub fn come_up(&self) {
        self.with_state(|state, _| state.set_down(false));
    }

    /// Restarts the server without its content.
    pub fn restart(&self) {
        self.with_state(|state, _| state.restart());
    }

    /// Deletes every map's hash behind the maps' backs, as FLUSHALL does: nothing is published.
    pub fn flush(&self) {
        self.with_state(|state, _| state.flush());
    }

    /// Loses the next messages, both notifications and marks, on their way to all subscribers.
    pub fn lose_messages(&self, count: usize) {
        self.with_state(|state, _| state.lose_messages(count));
    }

    /// Carries out the next writes but loses their replies, so that their outcome is unknown to the callers.
    pub fn lose_replies(&self, count: usize) {
        self.with_state(|state, _| state.lose_replies(count));
    }

    /// Makes every client lag, as if it had read too slowly and missed messages.
    pub fn lag(&self) {
        self.with_state(|state, _| state.lag());
    }

    /// Keeps messages back until [`release_messages`](Self::release_messages). Commands are answered meanwhile.
    pub fn hold_messages(&self) {
        self.with_state(|state, _| state.hold_messages());
    }

    /// Delivers the messages that were kept back.
    pub fn release_messages(&self) {
        self.with_state(|state, _| state.release_messages());
    }

    /// Accesses a map's hash directly, past scripts and notifications; the second argument is the server's time in
    /// milliseconds since the Unix epoch.
    ///
    /// The server is locked meanwhile: `work` must use neither the server nor its clients.
    pub fn with_hash<R>(&self, map: &MapName, work: impl FnOnce(&mut Authority, u64) -> R) -> R {
        self.with_state(|state, now| work(state.map(map), now))
    }

    /// Number of connected clients.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.with_state(|state, _| state.usage().0)
    }

    /// Number of subscriptions of all clients together.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.with_state(|state, _| state.usage().1)
    }

    pub(super) fn with_state<R>(&self, work: impl FnOnce(&mut MemoryState, Now) -> R) -> R {
        let now = self.0.started_at + self.0.clock.now();
        let now = Now::try_from(now.as_millis()).unwrap_or(Now::MAX);
        work(&mut lock(&self.0.state), now)
    }
}

impl Default for MemoryServer {
    fn default() -> Self {
        Self::new()
    }
}
