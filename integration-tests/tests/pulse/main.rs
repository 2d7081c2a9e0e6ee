//! Maps shared with Go peers: traces recorded from Pulse (goa.design/pulse v1.6.5), replayed on ours; a peer that
//! behaves like Pulse, checked against the same traces; and both on one map.

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
