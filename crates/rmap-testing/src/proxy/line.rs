//! A line with a limited rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::direction::{Both, Direction};

/// Time that an idle line, or a late user, may catch up.
const SLACK: Duration = Duration::from_millis(50);

/// Number of turns of the connections per second.
const TURNS: u64 = 100;

/// A line with a limited rate in each direction. Its connections share the rate evenly.
///
/// A clone is the same line.
#[derive(Debug, Clone)]
pub struct Line(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rate: u64,
    /// True if connections take turns frame by frame and not piece by piece.
    queues: bool,
    ways: Mutex<Both<Option<Instant>>>,
    crossed: [AtomicU64; 2],
}

impl Line {
    /// A line of this many bytes a second, at least one.
    #[must_use]
    pub fn new(bytes_a_second: u64) -> Self {
        Self::with(bytes_a_second, false)
    }

    /// A line whose waiting frames go in the order in which they came, as through a router with a long queue. Everybody
    /// waits behind a large reply.
    #[must_use]
    pub fn queueing(bytes_a_second: u64) -> Self {
        Self::with(bytes_a_second, true)
    }

    fn with(bytes_a_second: u64, queues: bool) -> Self {
        let rate = bytes_a_second.max(1);
        Self(Arc::new(Inner { rate, queues, ways: Mutex::default(), crossed: Default::default() }))
    }

    /// Number of bytes that have crossed the line in this direction.
    #[must_use]
    pub fn crossed(&self, direction: Direction) -> u64 {
        self.0.crossed[direction as usize].load(Ordering::Relaxed)
    }

    /// Number of bytes, of `bytes`, that cross at once before other connections have their turn.
    pub(super) fn piece(&self, bytes: usize) -> usize {
        if self.0.queues {
            return bytes;
        }
        let most = (self.0.rate / TURNS).clamp(16, 16 << 10);
        bytes.min(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Takes the line for `bytes` bytes, behind earlier users. Returns the time at which the bytes are across.
    pub(super) fn take(&self, direction: Direction, bytes: usize) -> Instant {
        let mut ways = self.0.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let way = ways.of(direction);
        let now = Instant::now();
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let begin = way.map_or(now, |free| free.max(earliest));
        let across = begin + Duration::from_secs_f64(bytes as f64 / self.0.rate as f64);
        *way = Some(across);
        across
    }

    pub(super) fn count(&self, direction: Direction, bytes: usize) {
        self.0.crossed[direction as usize].fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
