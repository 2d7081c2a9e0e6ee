//! The binary as its users meet it, against a real server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod demo;
mod failures;
mod lists;
mod loading;
mod reading;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod values;
mod watching;
mod writing;
