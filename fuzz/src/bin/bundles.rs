//! The compiled guest as it is shipped, damaged.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sandbox::fuzzing::bundles(bytes);
});
