//! The synchronisation protocol, input by input: requests, content, events and changes of a replica.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod comparisons;
mod expiry;
mod failover;
mod joins;
mod lives;
mod losses;
mod notifications;
mod outages;
mod pauses;
mod resets;
mod restores;
mod rig;
mod scans;
mod waits;
