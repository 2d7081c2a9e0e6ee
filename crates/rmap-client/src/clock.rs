//! A clock that also counts the time during which the computer sleeps.

mod asleep;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use self::asleep::Asleep;

/// Gain on tokio's clock at one reading that counts as a jump: the computer has slept.
const JUMP: Duration = Duration::from_secs(1);

/// Time between two checks for a jump of the clock. Tokio's timers do not count sleep, so they would otherwise be
/// late by their whole remaining time.
const LOOK: Duration = Duration::from_secs(1);

/// Upper bound of every reading, so that adding a setting to a time never overflows.
const FURTHEST: Duration = Duration::from_secs(1 << 40);

/// A clock that measures the times of a client, for example [`Status::staleness`](crate::Status::staleness), and
/// schedules probes.
///
/// The default is [`SystemClock`]. Another clock, set by [`ClientBuilder::clock`](crate::ClientBuilder::clock), is
/// for tests: it can wrap a [`SystemClock`] and pretend that the computer slept.
///
/// Timers always run on tokio's clock. A clock that gains a second or more on tokio's has **jumped**: no proof counts
/// that was requested before the jump, and the map requests a new one at once.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time since a moment that the clock chose. It must never go back. Any thread may ask, and often.
    fn now(&self) -> Duration;
}

/// Tokio's clock plus the time during which the computer slept.
///
/// On Linux and Android it is `CLOCK_BOOTTIME`. Elsewhere it derives sleep from the system's time: at each reading it
/// advances by the time elapsed on [`std::time::Instant`] or on [`std::time::SystemTime`], whichever is larger. So
/// setting the system's clock forward counts as sleep.
///
/// In a test that pauses tokio's clock, it follows the paused clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    asleep: Asleep,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), asleep: Asleep::start() }
    }

    /// Time awake and time asleep.
    fn read(&self) -> (Duration, Duration) {
        // The time asleep is read first, so that a delay between the readings makes it too short, never too long.
        let asleep = self.asleep.so_far();
        (self.started.elapsed(), asleep)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        let (awake, asleep) = self.read();
        awake + asleep
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Hundred years, for the time before a process. In nanoseconds it takes a sixth of 64 bits.
const PAST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The clock that all maps of a client share. Its times count from its own epoch. A clone is the same clock.
#[derive(Debug, Clone)]
pub(crate) struct Timeline(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// The time at the start.
    origin: Duration,
    /// The greatest lead over tokio's clock that was noticed, in milliseconds.
    lead: AtomicU64,
    /// Time of the last jump that was noticed, in nanoseconds since the epoch.
    jumped_at: AtomicU64,
}

#[derive(Debug)]
enum Source {
    System(SystemClock),
    Own { clock: Arc<dyn Clock>, epoch: Duration, started: Instant },
}

impl Timeline {
    /// Starts now, with a clock of the user's or the system's.
    pub(crate) fn start(clock: Option<Arc<dyn Clock>>) -> Self {
        Self::start_at(Duration::ZERO, clock)
    }

    /// The same at a time far from zero, so that there is a time for what happened before this process.
    pub(crate) fn start_late(clock: Option<Arc<dyn Clock>>) -> Self {
        Self::start_at(PAST, clock)
    }

    fn start_at(origin: Duration, clock: Option<Arc<dyn Clock>>) -> Self {
        let source = match clock {
            None => Source::System(SystemClock::new()),
            Some(clock) => Source::Own { epoch: clock.now(), clock, started: Instant::now() },
        };
        Self(Arc::new(Inner { source, origin, lead: AtomicU64::new(0), jumped_at: AtomicU64::new(0) }))
    }

    pub(crate) fn now(&self) -> Duration {
        let (now, lead) = self.0.source.read();
        let now = self.0.origin + now;
        let lead = u64::try_from(lead.as_millis()).unwrap_or(u64::MAX);
        let noticed = self.0.lead.load(Ordering::Acquire);
        if lead.saturating_sub(noticed) >= JUMP.as_millis() as u64 {
            self.notice(now, lead);
        }
        now
    }

    /// Time of the last jump that this and earlier readings noticed; zero without one.
    ///
    /// Proofs that were requested before this time do not count.
    pub(crate) fn jumped_at(&self) -> Duration {
        Duration::from_nanos(self.0.jumped_at.load(Ordering::Acquire))
    }

    /// Stores the time of the jump before the new lead: a reader who sees the new lead, and so no jump, also sees the
    /// time.
    fn notice(&self, now: Duration, lead: u64) {
        self.0.jumped_at.fetch_max(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::AcqRel);
        self.0.lead.fetch_max(lead, Ordering::AcqRel);
    }

    /// Calls `jumped` after each jump. Never returns.
    pub(crate) async fn watch(&self, jumped: impl Fn()) -> Infallible {
        let mut before = self.jumped_at();
        loop {
            tokio::time::sleep(LOOK).await;
            self.now();
            let last = self.jumped_at();
            if last != before {
                before = last;
                jumped();
            }
        }
    }
}

impl Source {
    /// The time, and its lead over tokio's clock.
    fn read(&self) -> (Duration, Duration) {
        match self {
            Self::System(clock) => {
                let (awake, asleep) = clock.read();
                (awake + asleep, asleep)
            }
            Self::Own { clock, epoch, started } => {
                // The order of the readings is that of `SystemClock::read`.
                let now = clock.now().saturating_sub(*epoch).min(FURTHEST);
                (now, now.saturating_sub(started.elapsed()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Mutex, lock};

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Debug, Default)]
    struct Set(Mutex<Duration>);

    impl Set {
        fn set(&self, now: Duration) {
            *lock(&self.0) = now;
        }

        fn advance(&self, time: Duration) {
            *lock(&self.0) += time;
        }
    }

    impl Clock for Set {
        fn now(&self) -> Duration {
            *lock(&self.0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_follows_tokios() {
        let clock = Timeline::start(None);
        tokio::time::advance(SECOND * 3600).await;
        let hour = SECOND * 3600..SECOND * 3601;
        assert!(hour.contains(&clock.now()), "{:?}", clock.now());
        assert_eq!(clock.jumped_at(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_gains_at_once_is_a_jump() {
        let set = Arc::new(Set::default());
        set.set(SECOND * 7);
        let clock = Timeline::start(Some(set.clone()));
        assert_eq!((clock.now(), clock.jumped_at()), (Duration::ZERO, Duration::ZERO));
        // The clock keeps pace, lags, catches up, and gains a little.
        for (tokio, own) in [(5, 5000), (10, 5), (0, 9995), (0, 999)] {
            tokio::time::advance(SECOND * tokio).await;
            set.advance(Duration::from_millis(own));
            clock.now();
            assert_eq!(clock.jumped_at(), Duration::ZERO);
        }
        set.advance(Duration::from_millis(1));
        assert_eq!(clock.now(), SECOND * 16);
        assert_eq!(clock.jumped_at(), SECOND * 16);
        // The next jump counts from there.
        set.advance(JUMP * 9 / 10);
        clock.now();
        assert_eq!(clock.jumped_at(), SECOND * 16);
        set.advance(JUMP);
        assert_eq!(clock.now(), clock.jumped_at());
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_is_too_far() {
        let set = Arc::new(Set::default());
        let clock = Timeline::start(Some(set.clone()));
        set.set(Duration::MAX);
        assert_eq!(clock.now() + SECOND, FURTHEST + SECOND);
        assert!(clock.jumped_at() > Duration::ZERO);
        set.set(Duration::ZERO);
        assert_eq!(clock.now(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn each_jump_is_noticed_within_a_second() {
        let set = Arc::new(Set::default());
        let clock = Timeline::start(Some(set.clone()));
        let (jumps, counted) = (Arc::new(AtomicU64::new(0)), clock.clone());
        let count = jumps.clone();
        let watch = tokio::spawn(async move {
            let jumped = || {
                count.fetch_add(1, Ordering::Relaxed);
            };
            counted.watch(jumped).await
        });
        for round in 1..=3 {
            set.set(SECOND * 100 * round);
            tokio::time::sleep(LOOK * 2).await;
            assert_eq!(jumps.load(Ordering::Relaxed), u64::from(round));
        }
        watch.abort();
    }
}
