//! What Pulse's replicated map is known to get wrong, each shown not to happen here, on a real server.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod connections;
mod lives;
mod scene;
mod synchronising;
mod writes;
