//! The binary as its users meet it, against a real server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod clearing;
mod demo;
mod failures;
mod hyphens;
mod lists;
mod loading;
mod logs;
mod reading;
mod support;
mod terminal;
#[cfg(feature = "tls")]
mod tls;
mod values;
mod verifying;
mod watching;
mod writing;
