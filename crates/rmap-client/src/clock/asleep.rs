//! Measures the time during which the computer slept.

use std::time::{Duration, Instant, SystemTime};

use crate::sync::{Mutex, lock};

/// Sleeps shorter than this are ignored, because two clocks that are not read at once differ by about as much.
const LEAST: Duration = Duration::from_millis(10);

/// Measures sleep since its start, as the gain of a clock that counts sleep over [`Instant`], which does not count it
/// (on Linux; elsewhere it depends).
///
/// It never uses tokio's `Instant`, which a test may pause.
#[derive(Debug)]
pub(super) enum Asleep {
    /// Systems with a clock that counts sleep.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Boot { started: Duration, awake: Instant },
    /// Other systems.
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
            // The clocks are read in this order, so that a delay between the readings makes the sleep too short,
            // never too long.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::Boot { started, awake } => {
                let passed = since_boot().unwrap_or_default().saturating_sub(*started);
                let asleep = passed.saturating_sub(awake.elapsed());
                // Smaller gains come from the delay between two readings, and would make a paused clock waver.
                if asleep < LEAST { Duration::ZERO } else { asleep }
            }
            Self::Compared { awake, wall, so_far } => {
                let before = awake.elapsed();
                let wall = SystemTime::now().duration_since(*wall).unwrap_or_default();
                let after = awake.elapsed();
                let mut compared = lock(so_far);
                // A reading with a pause in the middle says nothing about either clock.
                if after.saturating_sub(before) < LEAST {
                    compared.advance(after, wall);
                }
                compared.asleep
            }
        }
    }
}

/// `CLOCK_BOOTTIME`, which counts the time that the computer sleeps.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Option<Duration> {
    use rustix::time::{DynamicClockId, clock_gettime_dynamic};

    clock_gettime_dynamic(DynamicClockId::Boottime).ok()?.try_into().ok()
}

/// The sum of all gains of the system's clock on [`Instant`], from one reading to the next.
#[derive(Debug, Default)]
pub(super) struct Compared {
    asleep: Duration,
    /// Readings of both clocks when the system's clock last gained or lost.
    awake: Duration,
    wall: Duration,
}

impl Compared {
    /// Takes the times elapsed on both clocks since the same moment.
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
        // At first both clocks agree, then the system's is set back by an hour, then the computer sleeps for a
        // minute.
        let steps =
            [(hour * 2, hour * 2), (hour * 2 + SECOND, hour + SECOND), (hour * 2 + SECOND, hour + MINUTE)];
        assert_eq!(after(&steps), MINUTE - SECOND);
        // The wall clock cannot go below its start, and counts again from there.
        assert_eq!(after(&[(SECOND, Duration::ZERO), (SECOND, MINUTE)]), MINUTE);
    }

    #[test]
    fn small_differences_count_once_they_are_large() {
        let millis = Duration::from_millis;
        let drift: Vec<_> = (0..100).map(|step| (millis(step * 10), millis(step * 11))).collect();
        let asleep = after(&drift);
        assert!(asleep > millis(80) && asleep < millis(100), "{asleep:?}");
        // The wall clock wavers without a trend.
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
