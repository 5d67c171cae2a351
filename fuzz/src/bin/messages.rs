//! Any bytes as a POST to the MCP door.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    gateway::fuzzing::messages(bytes);
});
