//! Fuzzes the decoder of stores: any bytes, blocks with right checksums, contents with one change.

#![no_main]

#[path = "../../crates/rmap-core/tests/store/inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| inputs::check(data));
