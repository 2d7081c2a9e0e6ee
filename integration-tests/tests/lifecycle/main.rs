//! The life of clients and maps on a real server: sharing, closing, dropping, cancelling, and faults that are repaired
//! without a further write.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod cancel;
mod close;
mod drop;
mod faults;
mod kept;
mod lives;
mod outside;
mod pauses;
mod proxy;
mod resets;
mod share;
mod silent;
mod stats;
mod support;
mod verifying;
#[path = "../../../crates/rmap-client/tests/support/writes.rs"]
mod writes;
