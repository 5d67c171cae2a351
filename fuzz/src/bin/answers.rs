//! Any text as the JSON of a guest's answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::answers(bytes);
});
