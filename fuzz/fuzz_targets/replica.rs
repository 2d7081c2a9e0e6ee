//! A replica, a model of its server, and a link between them that is anything but reliable.

#![no_main]

#[path = "../../crates/rmap-core/tests/corpus/inputs.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| inputs::check(data));
