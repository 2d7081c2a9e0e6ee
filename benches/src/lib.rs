//! The common part of the measuring programs: the measured work, rounds that take turns, and figures with their
//! targets.
//!
//! A program that cannot measure panics, as a test does.

#![allow(clippy::unwrap_used, reason = "a program that cannot measure panics")]
#![allow(clippy::exhaustive_structs, reason = "nobody outside uses these")]

pub mod bare;
pub mod contents;
pub mod data;
pub mod entry;
pub mod figure;
pub mod machine;
pub mod notifications;
pub mod replica;
pub mod session;
pub mod store;
pub mod tail;
pub mod threads;
pub mod timing;
