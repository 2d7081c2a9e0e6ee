//! Large maps and large crowds: what a join and a return of many replicas cost the server.
//!
//! The figures are printed, not asserted: `cargo test -p integration-tests --test large -- --nocapture`.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod herd;
mod join;
mod monitor;
mod verifying;
