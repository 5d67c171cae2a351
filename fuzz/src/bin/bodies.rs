//! What a peer compressed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    outbound::fuzzing::bodies(bytes);
});
