//! What a guest asks for, and where its request is redirected to.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    outbound::fuzzing::requests(bytes);
});
