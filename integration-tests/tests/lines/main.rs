//! Lines that carry few bytes a second: what is asked for crosses them once, however long it takes.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod large;
mod shared;
mod slow;
mod support;
