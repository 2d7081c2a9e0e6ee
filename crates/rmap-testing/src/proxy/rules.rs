//! The rules of a proxy for its connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::direction::{Both, Direction};
use super::line::Line;

/// One of a client's two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client has these two")]
pub enum Side {
    /// The connection for commands. Every connection that has not subscribed yet.
    Commands,
    /// The connection that has subscribed.
    Subscriber,
}

/// The rule for the connections of one side.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) port: u16,
    /// Number of cuts so far.
    pub(super) cuts: u64,
    pub(super) stalled: Both<bool>,
    pub(super) delay: Both<Duration>,
    pub(super) line: Option<Line>,
}

#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) refuse: bool,
    commands: Rule,
    subscriber: Rule,
}

impl Rules {
    pub(super) fn to(port: u16) -> Self {
        let rule = Rule { port, cuts: 0, stalled: Both::default(), delay: Both::default(), line: None };
        Self { refuse: false, commands: rule.clone(), subscriber: rule }
    }

    pub(super) const fn of(&self, side: Side) -> &Rule {
        match side {
            Side::Commands => &self.commands,
            Side::Subscriber => &self.subscriber,
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
        self.side(None, |rule| {
            (rule.stalled, rule.delay, rule.line) = (Both::default(), Both::default(), None);
        });
    }
}

/// The damage to the frame that springs a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// A request is lost, and the connection with it.
    LoseRequest,
    /// The reply to a request is lost, and the connection with it.
    LoseReply,
    /// A message to a subscriber arrives twice.
    LoseMessage,
    /// A message to a subscriber comes twice.
    RepeatMessage,
}

impl Mishap {
    const fn direction(self) -> Direction {
        match self {
            Self::LoseRequest | Self::LoseReply => Direction::Requests,
            Self::LoseMessage | Self::RepeatMessage => Direction::Replies,
        }
    }
}

/// Waits for one frame with certain bytes in it and springs once.
#[derive(Debug, Default)]
pub(super) struct Trap(Mutex<Option<(Vec<u8>, Mishap)>>);

impl Trap {
    pub(super) fn arm(&self, bytes: &[u8], mishap: Mishap) {
        *self.lock() = Some((bytes.to_vec(), mishap));
    }

    pub(super) fn disarm(&self) {
        *self.lock() = None;
    }

    pub(super) fn spring(&self, direction: Direction, frame: &[u8]) -> Option<Mishap> {
        let mut trap = self.lock();
        let (bytes, _) = trap.as_ref().filter(|(_, mishap)| mishap.direction() == direction)?;
        let found = frame.windows(bytes.len()).any(|window| window == bytes);
        if found { trap.take().map(|(_, mishap)| mishap) } else { None }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Vec<u8>, Mishap)>> {
        // The value is consistent at every moment, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
