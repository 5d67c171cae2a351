//! Flattens the guest, for the build: `flatten COMPONENT --merged FILE --stripped FILE --image FILE`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

const USAGE: &str = "usage: flatten COMPONENT --merged FILE --stripped FILE --image FILE";

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a standard error there is nobody to tell; the status says it all the same.
            let _unheard = writeln!(std::io::stderr(), "flatten: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let component = PathBuf::from(arguments.next().context(USAGE)?);
    let mut outputs = HashMap::new();
    while let Some(flag) = arguments.next() {
        outputs.insert(flag, PathBuf::from(arguments.next().context(USAGE)?));
    }
    let mut output = |flag: &str| outputs.remove(&OsString::from(flag)).context(USAGE);
    let (merged, stripped, image) =
        (output("--merged")?, output("--stripped")?, output("--image")?);
    if !outputs.is_empty() {
        bail!(USAGE);
    }
    let bytes = std::fs::read(&component)
        .with_context(|| format!("cannot read the component {}", component.display()))?;
    let flattened = flatten::flatten(&bytes)
        .with_context(|| format!("cannot flatten {}", component.display()))?;
    put(&merged, &flattened.merged)?;
    put(&stripped, &flattened.stripped)?;
    put(&image, &flattened.image)?;
    let (before, after) = (flattened.functions_before, flattened.functions_after);
    writeln!(std::io::stdout(), "merged the core modules: {after} of {before} functions are in use")
        .context("cannot report")
}

/// Renames the file into place, so that an interrupted build leaves no half one behind.
fn put(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, contents)
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
