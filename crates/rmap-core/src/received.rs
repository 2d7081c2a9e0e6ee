//! Counts of what arrived on the connections. They distinguish a slow line from a dead one.

/// Counts of everything that arrived on a pair of connections. Counts only rise; their starting value does not matter.
///
/// A driver passes them to [`Replica::handle_received`](crate::Replica::handle_received). Without them, the replica
/// takes every answer that misses [`ReplicaSettings::request_timeout`](crate::ReplicaSettings::request_timeout) for lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by every transport that counts what arrives")]
pub struct Received {
    /// The number of the pair, from [`Replica::handle_connected`](crate::Replica::handle_connected).
    pub connection: u64,
    /// Rises with everything that arrives on the command connection: with bytes, or with whole replies if the transport
    /// does not see bytes.
    ///
    /// The count stays at zero if one reply is no sign of the next, as with several nodes of a cluster.
    pub commands: u64,
    /// Rises with everything that arrives on the subscriber connection.
    pub subscriber: u64,
    /// PINGs on the subscriber connection. `None` if the transport sends none, and so never gives up a silent
    /// connection.
    pub pings: Option<Pings>,
}

/// Counts of PINGs on the subscriber connection. The server answers PINGs in order with the published messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by every transport that counts what arrives")]
pub struct Pings {
    /// Number of PINGs sent.
    pub sent: u64,
    /// Number of PINGs answered.
    pub answered: u64,
}
