//! What arrived on a driver's connections, as far as it tells a slow line from a dead one.

/// What has arrived on a pair of connections so far. Every count only rises; where it begins does not matter.
///
/// A driver hands it in by [`Replica::handle_received`](crate::Replica::handle_received). A replica that is never told
/// takes an answer that does not come within [`Config::request_timeout`](crate::Config::request_timeout) for lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by every transport that can tell")]
pub struct Received {
    /// The number of the pair, as in [`Replica::handle_connected`](crate::Replica::handle_connected).
    pub connection: u64,
    /// Rises with everything that arrives on the command connection: bytes, or only whole replies where bytes are not seen.
    ///
    /// It stays at zero where one reply says nothing of the next, as with several nodes of a cluster.
    pub commands: u64,
    /// Rises with everything that arrives on the subscriber connection.
    pub subscriber: u64,
    /// PINGs on the subscriber connection. `None` where nobody sends any, and so nobody gives up a silent connection.
    pub pings: Option<Pings>,
}

/// PINGs on the subscriber connection so far. Their answers stand in order between the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by every transport that can tell")]
pub struct Pings {
    /// Sent.
    pub sent: u64,
    /// Answered.
    pub answered: u64,
}
