#![no_main]

#[path = "../../crates/hct-model/tests/fuzzed/bodies/mod.rs"]
#[allow(dead_code, reason = "each target has one")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::calibration(data));
