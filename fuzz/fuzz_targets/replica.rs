//! Fuzzes a replica with a model of its server and an unreliable link between them.

#![no_main]

#[path = "../../crates/rmap-core/tests/corpus/inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| inputs::check(data));
