//! Answers that are due. The server gives them in the order of the requests.

use std::collections::VecDeque;

use rmap_proto::ServerError;
use tokio::sync::oneshot;

/// Receives the answer. The caller may have gone away; then the answer is dropped.
pub(super) type Asker = oneshot::Sender<Result<(), ServerError>>;

/// An answer without a request. No later answer can be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server answered what was not asked")]
pub(super) struct Unasked;

#[derive(Debug, Default)]
pub(super) struct Due(VecDeque<Answer>);

#[derive(Debug)]
enum Answer {
    Pong,
    /// One for each channel, or one refusal of all.
    Confirmations {
        missing: usize,
        asker: Asker,
    },
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_pong(&self) -> bool {
        self.0.iter().any(|answer| matches!(answer, Answer::Pong))
    }

    pub(super) fn add_pong(&mut self) {
        self.0.push_back(Answer::Pong);
    }

    /// `channels` is at least one.
    pub(super) fn add_confirmations(&mut self, channels: usize, asker: Asker) {
        self.0.push_back(Answer::Confirmations { missing: channels, asker });
    }

    /// A channel was confirmed.
    pub(super) fn confirmed(&mut self) -> Result<(), Unasked> {
        let Some(Answer::Confirmations { missing, .. }) = self.0.front_mut() else { return Err(Unasked) };
        *missing -= 1;
        if *missing == 0
            && let Some(Answer::Confirmations { asker, .. }) = self.0.pop_front()
        {
            let _ = asker.send(Ok(()));
        }
        Ok(())
    }

    /// A PING was answered.
    pub(super) fn pong(&mut self) -> Result<(), Unasked> {
        match self.0.pop_front() {
            Some(Answer::Pong) => Ok(()),
            Some(Answer::Confirmations { .. }) | None => Err(Unasked),
        }
    }

    /// A question was refused. Returns the refusal if it was a PING.
    pub(super) fn refused(&mut self, error: ServerError) -> Result<Option<ServerError>, Unasked> {
        match self.0.pop_front().ok_or(Unasked)? {
            Answer::Pong => Ok(Some(error)),
            Answer::Confirmations { asker, .. } => {
                let _ = asker.send(Err(error));
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_their_questions() {
        let mut due = Due::default();
        let (first, mut told_first) = oneshot::channel();
        let (second, mut told_second) = oneshot::channel();
        due.add_confirmations(2, first);
        due.add_pong();
        due.add_confirmations(1, second);
        due.confirmed().unwrap();
        assert!(told_first.try_recv().is_err() && due.has_pong());
        due.confirmed().unwrap();
        assert_eq!(told_first.try_recv().unwrap(), Ok(()));
        due.pong().unwrap();
        assert!(!due.has_pong() && !due.is_empty());
        let error = ServerError::parse("NOPERM no");
        assert_eq!(due.refused(error.clone()), Ok(None));
        assert_eq!(told_second.try_recv().unwrap(), Err(error.clone()));
        assert!(due.is_empty());
        due.add_pong();
        assert_eq!(due.refused(error.clone()), Ok(Some(error)));
    }

    #[test]
    fn what_nobody_asked_is_no_answer() {
        let error = || ServerError::parse("ERR");
        let mut due = Due::default();
        assert_eq!(
            (due.confirmed(), due.pong(), due.refused(error())),
            (Err(Unasked), Err(Unasked), Err(Unasked))
        );
        due.add_pong();
        assert_eq!(due.confirmed(), Err(Unasked));
        let mut due = Due::default();
        due.add_confirmations(1, oneshot::channel().0);
        assert_eq!(due.pong(), Err(Unasked));
    }
}
