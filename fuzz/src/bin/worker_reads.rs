//! What the server writes to a worker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::worker_reads(bytes);
});
