//! Servers that are absent, go away, are too old, or refuse. Every failure is one clear line, and nothing hangs.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod away;
mod background;
mod credentials;
#[path = "../redis_transport/fake.rs"]
mod fake;
mod old;
mod rights;
mod states;
mod support;
mod types;
mod unreachable;
