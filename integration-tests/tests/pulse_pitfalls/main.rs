//! Known pitfalls of Pulse's replicated map. Each test shows on a real server that rmap does not share one.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod connections;
mod lives;
mod scene;
mod synchronising;
mod writes;
