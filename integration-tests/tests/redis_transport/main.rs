//! The Redis transport on real servers: order, outcomes, faults, and leftovers.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod close;
mod cluster;
mod connect;
mod credentials;
mod data;
mod fake;
mod faults;
mod group;
mod pauses;
mod streams;
mod support;
mod warnings;
