//! Any bytes as what an index says of a package and of its wheels.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    packages::fuzzing::indexes(bytes);
});
