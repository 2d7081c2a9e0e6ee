//! The pause between resyncs.

use std::time::Duration;

/// Spaces out the starts of resyncs: the first is immediate, and each following pause is twice as long.
///
/// The pauses start over only after the replica was in step for as long as the longest pause. Otherwise a cause that
/// keeps recurring would cost the server one read of the map each time.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    interval: Duration,
    last: Option<Duration>,
    /// The time since which the replica is in step. `None` since the last start.
    calm_since: Option<Duration>,
}

impl Backoff {
    pub(crate) const fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, interval: min, last: None, calm_since: None }
    }

    /// Notes that the replica is in step.
    pub(crate) fn settled(&mut self, now: Duration) {
        self.calm_since.get_or_insert(now);
    }

    /// Returns the start of the next resync, at `now` or later, and counts it as made.
    pub(crate) fn next_start(&mut self, now: Duration, rng: &mut fastrand::Rng) -> Duration {
        let calm_since = self.calm_since.take();
        let calm = calm_since.is_some_and(|since| now.saturating_sub(since) >= self.max);
        // The pause counts from the end of the last resync, if it ended. A planned start may have been dropped together
        // with its connection, and then does not count.
        let last = self.last.map(|last| calm_since.unwrap_or(last).clamp(last.min(now), now));
        let start = match last {
            Some(last) if !calm => {
                let start = now.max(last + jittered(self.interval, rng));
                self.interval = (self.interval * 2).min(self.max);
                start
            }
            _ => {
                self.interval = self.min;
                now
            }
        };
        self.last = Some(start);
        start
    }
}

/// A random time between half of `time` and all of it.
pub(crate) fn jittered(time: Duration, rng: &mut fastrand::Rng) -> Duration {
    time.mul_f64(0.5 + rng.f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn starts_that_never_came_do_not_add_up() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::new(10 * MS, 80 * MS);
        for now in 0..100 {
            let start = backoff.next_start(now * MS, &mut rng);
            assert!(start - now * MS <= 80 * MS, "{start:?} at {now} ms");
        }
    }

    #[test]
    fn doubles_while_resyncs_follow_each_other_and_forgets_when_calm() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::new(10 * MS, 80 * MS);
        assert_eq!(backoff.next_start(100 * MS, &mut rng), 100 * MS);
        let mut now = 100 * MS;
        for most in [10, 20, 40, 80, 80] {
            let start = backoff.next_start(now, &mut rng);
            assert!(start - now >= most * MS / 2 && start - now <= most * MS, "{start:?} after {now:?}");
            now = start;
        }
        // The replica is not in step, so this time is no calm.
        now += 1000 * MS;
        assert_eq!(backoff.next_start(now, &mut rng), now);
        backoff.settled(now + MS);
        now += 80 * MS;
        let start = backoff.next_start(now, &mut rng);
        assert_eq!(start, now, "it is not the pause that was forgotten, it is over");
        assert!(backoff.next_start(now, &mut rng) - now >= 40 * MS);
        now += 80 * MS;
        backoff.settled(now);
        backoff.settled(now + MS);
        now += 80 * MS;
        assert_eq!(backoff.next_start(now, &mut rng), now);
        assert!(backoff.next_start(now, &mut rng) - now <= 10 * MS);
    }
}
