//! Fuzzes every decoder of foreign bytes: payloads, lists, revisions, names, replies.

#![no_main]

#[path = "../../crates/rmap-proto/tests/corpus/inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| inputs::check(data));
