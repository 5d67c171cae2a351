//! What a worker writes to the server, and the answers in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::server_reads(bytes);
});
