//! Any bytes as the field in which a server says who may come in.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    oauth::fuzzing::challenges(bytes);
});
