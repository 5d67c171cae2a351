//! Compiles the guest component ahead of time, for the build: `guest-compile COMPONENT BUNDLE`.

use std::io::Write;
use std::path::PathBuf;
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
    let [component, bundle] = paths.as_slice() else {
        bail!("usage: guest-compile COMPONENT BUNDLE");
    };
    let bytes = std::fs::read(component)
        .with_context(|| format!("cannot read the component {}", component.display()))?;
    let compiled = sandbox::compile(&bytes)?;
    // Renamed into place, so that an interrupted build leaves no half bundle behind.
    let partial = bundle.with_extension("partial");
    std::fs::write(&partial, compiled)
        .and_then(|()| std::fs::rename(&partial, bundle))
        .with_context(|| format!("cannot write the compiled guest {}", bundle.display()))
}
