//! One fault at a time on a real server. Every write must get the right outcome, and every replica must be right
//! afterwards by itself.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod connection;
mod diary;
mod failover;
mod logs;
mod pair;
mod process;
mod reasons;
mod refusals;
mod replication;
mod rights;
mod sentinel;
mod support;
mod typed;
