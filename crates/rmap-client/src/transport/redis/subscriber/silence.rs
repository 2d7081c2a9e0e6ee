//! Detects a silent connection while an answer is due.

/// A number of pauses rather than a time: after a stalled runtime, the next pause still receives everything that came
/// before.
pub(in super::super) const PAUSES: u32 = 3;

/// Counts pauses in which nothing at all came although an answer was due.
#[derive(Debug)]
pub(super) struct Silence {
    received: bool,
    pauses: u32,
    most: u32,
}

impl Silence {
    /// Silence lasts too long after `most` pauses.
    pub(super) const fn new(most: u32) -> Self {
        Self { received: false, pauses: 0, most }
    }

    /// Number of pauses after which silence lasts too long.
    pub(super) const fn most(&self) -> u32 {
        self.most
    }

    /// Records that something came.
    pub(super) const fn end(&mut self) {
        self.received = true;
    }

    /// Records a pause. True when silence has lasted too long.
    pub(super) const fn is_too_long(&mut self, answer_due: bool) -> bool {
        self.pauses = if answer_due && !self.received { self.pauses + 1 } else { 0 };
        self.received = false;
        self.pauses == self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_pauses_in_a_row_are_too_long() {
        let mut silence = Silence::new(PAUSES);
        let mut pauses = |received: bool| {
            if received {
                silence.end();
            }
            silence.is_too_long(true)
        };
        assert_eq!([false, false, true, false, false].map(&mut pauses), [false; 5]);
        assert!(pauses(false));
    }

    #[test]
    fn nothing_is_silent_that_owes_no_answer() {
        let mut silence = Silence::new(PAUSES);
        assert_eq!([true, true, false, true, true, false].map(|due| silence.is_too_long(due)), [false; 6]);
    }
}
