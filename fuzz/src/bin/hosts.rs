//! Any text as a host, a grant and a URL.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    outbound::fuzzing::hosts(bytes);
});
