//! Compiles the guest ahead of time, for the build: `guest-compile STRIPPED IMAGE MERGED BUNDLE`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

fn main() -> ExitCode {
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a standard error there is nobody to tell; the status says it all the same.
            let _unheard = writeln!(std::io::stderr(), "guest-compile: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> anyhow::Result<()> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [stripped, image, merged, bundle] = paths.as_slice() else {
        bail!("usage: guest-compile STRIPPED IMAGE MERGED BUNDLE");
    };
    let compiled = sandbox::compile(&read(stripped)?, &read(image)?, &read(merged)?)?;
    // Renamed into place, so that an interrupted build leaves no half bundle behind.
    let partial = bundle.with_extension("partial");
    fs::write(&partial, compiled)
        .and_then(|()| fs::rename(&partial, bundle))
        .with_context(|| format!("cannot write the compiled guest {}", bundle.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
