//! Sound JSON with any content as a guest's answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::written_answers(bytes);
});
