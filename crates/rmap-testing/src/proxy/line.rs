//! A line that carries so many bytes a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::direction::{Both, Direction};

/// So long a line that stood idle, or whose user was late, may catch up.
const SLACK: Duration = Duration::from_millis(50);

/// So many times a second the connections take turns.
const TURNS: u64 = 100;

/// A line that carries so many bytes a second in each direction. The connections that go over it share it evenly.
///
/// A clone is the same line.
#[derive(Debug, Clone)]
pub struct Line(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rate: u64,
    /// Connections take turns frame by frame and not piece by piece.
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

    /// The same, but what waits for it goes in the order in which it came, as through a router with a long queue: behind a
    /// large reply everybody waits.
    #[must_use]
    pub fn queueing(bytes_a_second: u64) -> Self {
        Self::with(bytes_a_second, true)
    }

    fn with(bytes_a_second: u64, queues: bool) -> Self {
        let rate = bytes_a_second.max(1);
        Self(Arc::new(Inner { rate, queues, ways: Mutex::default(), crossed: Default::default() }))
    }

    /// How many bytes have crossed it in this direction.
    #[must_use]
    pub fn crossed(&self, direction: Direction) -> u64 {
        self.0.crossed[direction as usize].load(Ordering::Relaxed)
    }

    /// How many bytes of so many go at once, before others have their turn.
    pub(super) fn piece(&self, bytes: usize) -> usize {
        if self.0.queues {
            return bytes;
        }
        let most = (self.0.rate / TURNS).clamp(16, 16 << 10);
        bytes.min(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Takes the line for so many bytes, behind those who took it before; when they are across.
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
