//! Whether a connection on which an answer is due is silent.

/// So many pauses in a row, not a time: where the runtime was held up, what had come before is received in the next one.
pub(in super::super) const PAUSES: u32 = 3;

/// Counts pauses in which nothing at all came although an answer was due.
#[derive(Debug)]
pub(super) struct Silence {
    received: bool,
    pauses: u32,
    most: u32,
}

impl Silence {
    /// It is too long after so many pauses.
    pub(super) const fn new(most: u32) -> Self {
        Self { received: false, pauses: 0, most }
    }

    /// After how many pauses it is too long.
    pub(super) const fn most(&self) -> u32 {
        self.most
    }

    /// Something came.
    pub(super) const fn end(&mut self) {
        self.received = true;
    }

    /// A pause is over.
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
