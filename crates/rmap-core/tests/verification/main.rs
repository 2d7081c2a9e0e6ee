//! Verification of a live replica: its findings and its costs. It must disturb nothing.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod differences;
mod forgeries;
mod pace;
mod world;
