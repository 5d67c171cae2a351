//! What an external source sends as a stream of events.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    outbound::fuzzing::streams(bytes);
});
