//! Lines that carry few bytes a second. Every answer crosses the line once, however long that takes.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod large;
mod shared;
mod slow;
mod support;
