//! The two ways through a proxy.

/// The direction of bytes through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Direction {
    /// To the server.
    Requests,
    /// To the client.
    Replies,
}

/// One value for each direction.
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
