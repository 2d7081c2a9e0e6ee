//! The pauses between attempts to connect.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
/// A service that started in an outage is live within a second after its server has come.
const LONGEST: Duration = Duration::from_millis(800);

/// A pair of connections that lasted this long starts the pauses over. The pause between resyncs uses the same time,
/// because each new pair costs every map a read.
const CALM: Duration = Duration::from_secs(5);

/// Doubles the pause from attempt to attempt, up to a limit.
///
/// Short-lived connections count as failed attempts. Otherwise a server or a proxy that accepts connections and drops
/// them would get new ones at the fastest pace for ever.
#[derive(Debug)]
pub(super) struct Pauses {
    /// Attempts in a row that failed, or whose connections were short-lived.
    failures: u32,
    random: fastrand::Rng,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self { failures: 0, random: fastrand::Rng::new() }
    }

    /// Records how long a pair of connections lasted.
    pub(super) fn ended_after(&mut self, lasted: Duration) {
        if lasted >= CALM {
            self.failures = 0;
        }
    }

    /// The pause before the next attempt. Jitter removes up to half of it.
    pub(super) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(0.5 + self.random.f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_next(pauses: &mut Pauses, most: Duration) {
        let pause = pauses.next();
        assert!(pause >= most / 2 && pause <= most, "{pause:?} is none of {most:?}");
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Pauses::new();
        for most in [50, 100, 200, 400, 800, 800, 800] {
            assert_next(&mut pauses, Duration::from_millis(most));
        }
        let mut pauses = Pauses { failures: u32::MAX, ..pauses };
        assert_next(&mut pauses, LONGEST);
    }

    #[test]
    fn only_a_calm_as_long_as_that_of_resyncs_starts_them_over() {
        let mut pauses = Pauses::new();
        for most in [50, 100, 200, 400, 800, 800, 800] {
            assert_next(&mut pauses, Duration::from_millis(most));
            pauses.ended_after(CALM - Duration::from_millis(1));
        }
        pauses.ended_after(CALM);
        assert_next(&mut pauses, FIRST);
    }
}
