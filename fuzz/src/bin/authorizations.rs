//! Any bytes as what authorization servers say, and browsers bring back from them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oauth::fuzzing::authorizations(bytes);
});
