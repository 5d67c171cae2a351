//! Replays the inputs that `cargo xtask fuzz` has kept, so that every change is tested with them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads an input and breaks off where a rule is broken; returns how much of it was understood.
pub type Target = fn(&[u8]) -> usize;

/// The most files, and bytes, that `fuzz/corpus` holds of all targets together.
const FILES_MAX: usize = 399;
const BYTES_MAX: u64 = 1 << 20;

/// Replays the kept inputs of all fuzz targets whose rules the crate `package` states.
///
/// # Panics
///
/// Where an input fails; where nothing of a target's inputs is understood any more, as after a
/// change of what they are written in; where `targets` are not all that `fuzz/src/bin` has of the crate; and
/// where the corpus has grown too large.
pub fn replay(package: &str, targets: &[(&str, Target)]) {
    let listed: BTreeSet<String> = targets.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, targets_of(package), "the targets of {package} in fuzz/src/bin");
    for (name, target) in targets {
        let mut understood = 0;
        for path in files(&fuzz().join("corpus").join(name)) {
            let bytes = fs::read(&path).expect("a kept input");
            let read = std::panic::catch_unwind(|| target(&bytes));
            understood += read.unwrap_or_else(|_| panic!("{name} fails on {}", path.display()));
        }
        assert!(understood > 0, "{name} understands nothing: run `cargo xtask fuzz --keep {name}`");
    }
    let kept: Vec<PathBuf> =
        files(&fuzz().join("corpus")).iter().flat_map(|folder| files(folder)).collect();
    let size: u64 = kept.iter().map(|path| path.metadata().expect("a kept input").len()).sum();
    assert!(kept.len() <= FILES_MAX && size <= BYTES_MAX, "{} files, {size} bytes", kept.len());
}

/// The targets that call a function of the module `fuzzing` of `package`.
fn targets_of(package: &str) -> BTreeSet<String> {
    let call = format!("{package}::fuzzing::");
    let mut paths = files(&fuzz().join("src/bin"));
    paths.retain(|path| fs::read_to_string(path).expect("a target").contains(&call));
    let names = paths.iter().map(|path| path.file_stem().expect("a name"));
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// What a folder holds; nothing where there is none.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|file| file.expect("a file").path()).collect()
}
