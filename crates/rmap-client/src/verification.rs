//! Callers that wait for a verification.

use rmap_core::{Failure, Verified};
use tokio::sync::oneshot;

pub(crate) type VerifyResult = Result<Verified, Failure>;

/// Callers that ask during a verification get the outcome of the next one, because parts of the current one came
/// before their call.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    current: Vec<oneshot::Sender<VerifyResult>>,
    next: Vec<oneshot::Sender<VerifyResult>>,
}

impl Verifications {
    pub(crate) fn ask(&mut self, answer: oneshot::Sender<VerifyResult>) {
        self.next.push(answer);
    }

    /// True when the next verification should start: the previous one has ended, and a caller still waits.
    pub(crate) fn begin(&mut self) -> bool {
        self.next.retain(|answer| !answer.is_closed());
        if self.next.is_empty() || !self.current.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.current, &mut self.next);
        true
    }

    pub(crate) fn end(&mut self, outcome: &VerifyResult) {
        for answer in self.current.drain(..) {
            // The caller may have gone away.
            let _ = answer.send(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> VerifyResult {
        Err(Failure::Refused("no".to_owned()))
    }

    #[test]
    fn who_asks_during_a_verification_gets_the_outcome_of_the_next() {
        let mut verifications = Verifications::default();
        let ((one, mut first), (two, mut second)) = (oneshot::channel(), oneshot::channel());
        verifications.ask(one);
        assert!(verifications.begin());
        verifications.ask(two);
        assert!(!verifications.begin());
        verifications.end(&refused());
        assert!(first.try_recv().is_ok() && second.try_recv().is_err());
        assert!(verifications.begin());
        verifications.end(&refused());
        assert!(second.try_recv().is_ok());
        assert!(!verifications.begin());
    }

    #[test]
    fn nothing_is_verified_for_those_who_went_away() {
        let mut verifications = Verifications::default();
        let (one, first) = oneshot::channel();
        verifications.ask(one);
        drop(first);
        assert!(!verifications.begin());
    }
}
