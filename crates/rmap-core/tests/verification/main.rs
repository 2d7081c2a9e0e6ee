//! Reading the content again while live: what it finds, what it costs, and that it disturbs nothing.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod differences;
mod forgeries;
mod pace;
mod world;
