//! What a worker writes to the server, in any order, while calls are under way.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::conversations(bytes);
});
