//! How long the computer has slept.

use std::time::{Duration, Instant, SystemTime};

use crate::sync::{Mutex, lock};

/// A shorter sleep is none. What two clocks differ by because they are not read at once would be taken for one.
const LEAST: Duration = Duration::from_millis(10);

/// Measures the sleep since its start: what a clock that goes on gains on [`Instant`], which does not (on Linux; elsewhere it
/// depends).
///
/// Never tokio's `Instant`, which a test may pause.
#[derive(Debug)]
pub(super) enum Asleep {
    /// Where the system has a clock that goes on.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Boot { started: Duration, awake: Instant },
    /// Elsewhere.
    Compared { awake: Instant, wall: SystemTime, so_far: Box<Mutex<Compared>> },
}

impl Asleep {
    pub(super) fn start() -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(started) = since_boot() {
            return Self::Boot { started, awake: Instant::now() };
        }
        Self::compared()
    }

    fn compared() -> Self {
        Self::Compared { awake: Instant::now(), wall: SystemTime::now(), so_far: Box::default() }
    }

    pub(super) fn so_far(&self) -> Duration {
        match self {
            // In this order: what passes in between makes the sleep too short, never too long.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Boot { started, awake } => {
                let passed = since_boot().unwrap_or_default().saturating_sub(*started);
                let asleep = passed.saturating_sub(awake.elapsed());
                // Less passes between two readings, and would make a paused clock waver.
                if asleep < LEAST { Duration::ZERO } else { asleep }
            }
            Self::Compared { awake, wall, so_far } => {
                let before = awake.elapsed();
                let wall = SystemTime::now().duration_since(*wall).unwrap_or_default();
                let after = awake.elapsed();
                let mut compared = lock(so_far);
                // Not after a pause in between: nothing would be known of either clock.
                if after.saturating_sub(before) < LEAST {
                    compared.advance(after, wall);
                }
                compared.asleep
            }
        }
    }
}

/// `CLOCK_BOOTTIME`, which goes on while the computer sleeps.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Option<Duration> {
    use rustix::time::{DynamicClockId, clock_gettime_dynamic};

    clock_gettime_dynamic(DynamicClockId::Boottime).ok()?.try_into().ok()
}

/// The sum of what the system's clock has gained on [`Instant`] from question to question.
#[derive(Debug, Default)]
pub(super) struct Compared {
    asleep: Duration,
    /// What both clocks said when the system's last gained or lost.
    awake: Duration,
    wall: Duration,
}

impl Compared {
    /// The times elapsed by both clocks, since the same moment.
    fn advance(&mut self, awake: Duration, wall: Duration) {
        let passed = awake.saturating_sub(self.awake);
        let gained = wall.saturating_sub(self.wall).saturating_sub(passed);
        let put_back = wall < self.wall.saturating_add(passed);
        if gained >= LEAST {
            self.asleep += gained;
        }
        if gained >= LEAST || put_back {
            (self.awake, self.wall) = (awake, wall);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn after(steps: &[(Duration, Duration)]) -> Duration {
        let mut compared = Compared::default();
        steps.iter().for_each(|(awake, wall)| compared.advance(*awake, *wall));
        compared.asleep
    }

    #[test]
    fn the_larger_of_both_times_counts() {
        assert_eq!(after(&[(SECOND, SECOND)]), Duration::ZERO);
        assert_eq!(after(&[(SECOND, MINUTE)]), MINUTE - SECOND);
        assert_eq!(after(&[(MINUTE, SECOND)]), Duration::ZERO);
    }

    #[test]
    fn sleep_is_seen_after_the_clock_was_put_back() {
        let hour = MINUTE * 60;
        // At first both agree, then an hour is taken away, then the computer sleeps for a minute.
        let steps =
            [(hour * 2, hour * 2), (hour * 2 + SECOND, hour + SECOND), (hour * 2 + SECOND, hour + MINUTE)];
        assert_eq!(after(&steps), MINUTE - SECOND);
        // Before the first moment there is no time; from there on it counts again.
        assert_eq!(after(&[(SECOND, Duration::ZERO), (SECOND, MINUTE)]), MINUTE);
    }

    #[test]
    fn small_differences_count_once_they_are_large() {
        let millis = Duration::from_millis;
        let drift: Vec<_> = (0..100).map(|step| (millis(step * 10), millis(step * 11))).collect();
        let asleep = after(&drift);
        assert!(asleep > millis(80) && asleep < millis(100), "{asleep:?}");
        // It wavers without going anywhere.
        let waver: Vec<_> = (0..100).map(|step| (millis(step * 10), millis(step * 10 + step % 3))).collect();
        assert_eq!(after(&waver), Duration::ZERO, "else it would add up");
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn what_the_clock_that_goes_on_has_gained_is_sleep() {
        let started = since_boot().unwrap();
        let asleep = Asleep::Boot { started, awake: Instant::now() + MINUTE };
        assert_eq!(asleep.so_far(), Duration::ZERO, "it begins in a minute");
        let asleep = Asleep::Boot { started: Duration::ZERO, awake: Instant::now() };
        let so_far = asleep.so_far();
        assert!(so_far >= started && so_far <= since_boot().unwrap(), "{so_far:?}");
    }

    #[test]
    fn nobody_sleeps_meanwhile() {
        for asleep in [Asleep::start(), Asleep::compared()] {
            let so_far = asleep.so_far();
            assert!(so_far < SECOND, "{so_far:?}");
        }
    }
}
