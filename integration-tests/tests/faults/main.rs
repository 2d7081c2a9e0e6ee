//! One fault at a time on a real server: what every write is told under it, and that every replica is right afterwards
//! by itself.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod connection;
mod failover;
mod pair;
mod process;
mod refusals;
mod replication;
mod rights;
mod sentinel;
mod support;
