//! Servers that are not there, go away, are too old or say no: every failure is one clear line, and nothing hangs.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod away;
mod credentials;
#[path = "../redis_transport/fake.rs"]
mod fake;
mod old;
mod rights;
mod states;
mod support;
mod types;
mod unreachable;
