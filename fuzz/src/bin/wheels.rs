//! Any bytes as a wheel: its archive, its list of files, its layout.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    packages::fuzzing::wheels(bytes);
});
