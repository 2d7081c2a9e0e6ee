//! What a proxy does to which connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which of a client's two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client has these two")]
pub enum Side {
    /// The one for commands; any that has not subscribed yet.
    Commands,
    /// The one that has subscribed.
    Subscriber,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Direction {
    /// To the server.
    Requests,
    /// To the client.
    Replies,
}

/// One of something for each direction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Both<T> {
    requests: T,
    replies: T,
}

impl<T> Both<T> {
    pub(super) const fn of(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Requests => &mut self.requests,
            Direction::Replies => &mut self.replies,
        }
    }
}

/// What holds for the connections of one side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) port: u16,
    /// How often they were cut.
    pub(super) cuts: u64,
    pub(super) stalled: Both<bool>,
    pub(super) delay: Both<Duration>,
}

#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) refuse: bool,
    commands: Rule,
    subscriber: Rule,
}

impl Rules {
    pub(super) fn to(port: u16) -> Self {
        let rule = Rule { port, cuts: 0, stalled: Both::default(), delay: Both::default() };
        Self { refuse: false, commands: rule, subscriber: rule }
    }

    pub(super) const fn of(&self, side: Side) -> Rule {
        match side {
            Side::Commands => self.commands,
            Side::Subscriber => self.subscriber,
        }
    }

    /// Changes the rule of one side or of both.
    pub(super) fn side(&mut self, side: Option<Side>, change: impl Fn(&mut Rule)) {
        if side != Some(Side::Subscriber) {
            change(&mut self.commands);
        }
        if side != Some(Side::Commands) {
            change(&mut self.subscriber);
        }
    }

    pub(super) fn heal(&mut self) {
        self.refuse = false;
        self.side(None, |rule| (rule.stalled, rule.delay) = (Both::default(), Both::default()));
    }
}

/// What is lost together with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Request,
    Reply,
}

/// Waits for one request and springs once.
#[derive(Debug, Default)]
pub(super) struct Trap(Mutex<Option<(Vec<u8>, Loss)>>);

impl Trap {
    pub(super) fn arm(&self, bytes: &[u8], loss: Loss) {
        *self.lock() = Some((bytes.to_vec(), loss));
    }

    pub(super) fn disarm(&self) {
        *self.lock() = None;
    }

    pub(super) fn spring(&self, request: &[u8]) -> Option<Loss> {
        let mut trap = self.lock();
        let (bytes, loss) = trap.as_ref()?;
        let (found, loss) = (request.windows(bytes.len()).any(|window| window == bytes), *loss);
        if found {
            *trap = None;
        }
        found.then_some(loss)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Vec<u8>, Loss)>> {
        // What it holds is whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
