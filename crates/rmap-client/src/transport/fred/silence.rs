//! Whether a connection on which an answer is due is silent.
//!
//! fred can watch for that, but then makes a timer for every message that comes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::fred::clients::Client;
use ::fred::interfaces::EventInterface;
use tokio::time::{sleep, timeout};

const PAUSE: Duration = Duration::from_secs(1);

/// So many pauses in a row, not a time: where the runtime was held up, what had come before is received in the next one.
const PAUSES: u32 = 3;

/// Counts questions, one at a time, and their answers: odd while an answer is due.
#[derive(Debug, Default)]
pub(super) struct Questions(AtomicU64);

/// An answer is due until this is dropped.
pub(super) struct Asked<'a>(&'a Questions);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Questions {
    pub(super) fn ask(&self) -> Asked<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Asked(self)
    }

    /// Resolves, with the reason, when nothing has come for 3 to 4 seconds while an answer was due: neither that nor any
    /// message.
    pub(super) async fn unanswered(&self, client: &Client) -> String {
        let mut silent = 0;
        while silent < PAUSES {
            silent = if self.is_silent(client).await { silent + 1 } else { 0 };
        }
        format!("nothing was received for {PAUSES} s although an answer was due")
    }

    async fn is_silent(&self, client: &Client) -> bool {
        let question = self.0.load(Ordering::Relaxed);
        let due = !question.is_multiple_of(2);
        // Not kept: fred would keep every message for it.
        if due && timeout(PAUSE, async { client.message_rx().recv().await }).await.is_err() {
            return self.0.load(Ordering::Relaxed) == question;
        }
        sleep(PAUSE).await;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks every second and answers after so long, for a minute; true when that is taken for silence.
    async fn silent(answer: Duration) -> bool {
        let (questions, client) = (Questions::default(), Client::default());
        let asking = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                let _asked = questions.ask();
                sleep(answer).await;
            }
        };
        let minute = sleep(Duration::from_secs(60));
        tokio::select! {
            () = asking => false,
            () = minute => false,
            _ = questions.unanswered(&client) => true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_signs_of_life() {
        assert!(!silent(Duration::ZERO).await);
        assert!(!silent(Duration::from_millis(2_900)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_silence() {
        assert!(silent(Duration::from_millis(4_100)).await);
        assert!(silent(Duration::MAX).await);
    }
}
