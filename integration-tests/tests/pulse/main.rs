//! Maps shared with Go peers: what Pulse (goa.design/pulse v1.6.5) was recorded to do, replayed on ours; a peer that
//! behaves like Pulse, held to the same records; and both on one map.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod batches;
mod call;
mod defects;
mod lives;
mod ours;
mod peer;
mod peer_replay;
mod raw;
mod replay;
mod revisions;
mod together;
mod trace;
mod vectors;
mod wire;
