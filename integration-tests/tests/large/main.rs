//! Large maps and large crowds: the server's cost of a join, and of the return of many replicas.
//!
//! The figures are printed, not asserted: `cargo test -p integration-tests --test large -- --nocapture`.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod herd;
mod join;
mod monitor;
mod stores;
mod verifying;
